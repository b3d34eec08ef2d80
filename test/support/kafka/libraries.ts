import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Apache Kafka needs Java 17 to run and Maven to fetch its artifacts. CI must have both. */
export const kafkaIsPossible =
  process.env.CI === 'true' || ['java', 'mvn'].every((tool) => spawnSync(tool, ['-version']).status === 0);

/** The broker's jars. */
export const libraries = join(import.meta.dirname, 'target', 'libraries');

/** Before any test file: fetches the jars that pom.xml names, unless they are there. */
export async function setup(): Promise<void> {
  if (!kafkaIsPossible) {
    console.warn('Java 17 or Maven is missing: the tests against Apache Kafka do not run here.');
    return;
  }
  if (existsSync(libraries)) return;
  const fetched = `${libraries}-${process.pid}`;
  execFileSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${fetched}`], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await rename(fetched, libraries).catch(() => rm(fetched, { recursive: true }));
}
