import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/support/synthesis.ts', 'test/support/kafka/libraries.ts', 'test/service/support/setup.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/infra/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});
