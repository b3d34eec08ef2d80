import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const script = join(import.meta.dirname, '../../.ci/release-notes');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-release-'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'tidemark', version: '1.2.0' }, null, 2));
});
afterAll(() => rmSync(folder, { recursive: true }));

function notesOf(tag: string, changelog: string): string {
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  return execFileSync(script, [tag], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
}

const changelog = `# Changelog

## Unreleased

Not yet.

## 1.2.0 - 2027-01-31

### Added

- A command.

## 1.1.0 - 2026-12-31

- Older.
`;

test('the notes of a release are its section of the changelog', () => {
  expect(notesOf('v1.2.0', changelog).trim()).toBe('### Added\n\n- A command.');
});

test('a tag that is not the version, is no version, or has no section is refused', () => {
  expect(() => notesOf('v1.1.0', changelog)).toThrow('package.json says 1.2.0, the tag 1.1.0');
  expect(() => notesOf('1.2.0', changelog)).toThrow('1.2.0 is no tag of a release: take vX.Y.Z');
  expect(() => notesOf('v1.2.0', changelog.replace('## 1.2.0 -', '## 1.3.0 -'))).toThrow(
    "CHANGELOG.md has no section '## 1.2.0 - YYYY-MM-DD'",
  );
});
