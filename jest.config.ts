import type { Config } from 'jest';

const config: Config = {
  testMatch: ['<rootDir>/test/infra/**/*.test.ts'],
  testEnvironment: 'node',
  // Both processors of a small machine, of which Jest would leave one alone.
  maxWorkers: 2,
  globalSetup: '<rootDir>/test/infra/synthesis.ts',
  globalTeardown: '<rootDir>/test/infra/teardown.ts',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' } }] },
};

export default config;
