import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { compileCache } from './local/compile-cache.ts';

// A hook may start a whole cloud, on a machine with other work.
const limits = { testTimeout: 120_000, hookTimeout: 300_000, expect: { poll: { timeout: 30_000 } } };
// Tests start hundreds of processes.
process.env.NODE_COMPILE_CACHE ??= compileCache;

const assembly = 'test/support/synthesis.ts';
/** Brokers that start, die and follow each other within the time of a request, which others take from them: after all others. */
const withBrokers = 'test/e2e/kafka-producer.test.ts';

/** Of minutes each: whoever began them last would wait for them alone. */
const longest = ['e2e/simulation', 'mutations/mutations', 'e2e/served-client', 'model/encounters', 'admin/audit'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      longest.some((name) => moduleId.endsWith(`/test/${name}.test.ts`));
    const others = await super.sort(files.filter((file) => !isLong(file)));
    return [...files.filter(isLong), ...others];
  }
}

export default defineConfig({
  test: {
    // On two processors: the tests wait for a third of their time.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'parts',
          include: ['test/{codec,docs,lambdas,model,mutations,protocol}/**/*.test.ts'],
          ...limits,
        },
      },
      {
        test: {
          name: 'cloud',
          include: ['test/{local,e2e}/**/*.test.ts'],
          exclude: [withBrokers],
          globalSetup: [assembly, 'test/support/kafka/libraries.ts', 'test/support/fuse/setup.ts'],
          ...limits,
        },
      },
      {
        test: {
          name: 'brokers',
          include: [withBrokers],
          globalSetup: ['test/support/kafka/libraries.ts'],
          sequence: { groupOrder: 1 },
          ...limits,
        },
      },
      {
        test: {
          name: 'admin',
          include: ['test/admin/**/*.test.ts'],
          ...limits,
        },
      },
      {
        test: {
          name: 'service',
          include: ['test/{client,service}/**/*.test.ts'],
          globalSetup: [
            assembly,
            'test/support/program.ts',
            'test/service/support/setup.ts',
            'test/support/fuse/setup.ts',
          ],
          ...limits,
        },
      },
    ],
  },
});
