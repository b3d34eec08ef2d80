import type { Mutation } from './mutation.ts';

/** Mistakes in what the client does on a disk that fails, and in what it makes of a folder that its user works on. */
export const ofLives: readonly Mutation[] = [
  {
    mistake: 'what a disk took of a small file counts as all of it, and is not read back',
    file: 'client/disk/write-together.ts',
    replace: `    if (written === 0) throw notKept();
    done += written;
  }
}

/** What the system says of a file that holds these bytes and nothing else. */
function demandContent(file: number, bytes: Uint8Array): BigIntStats {
  const stats = fstatSync(file, { bigint: true });
  if (Number(stats.size) !== bytes.length) throw notKept();
  for (let at = 0; at < bytes.length; at += PASSING_BYTES) {
    const part = bytes.subarray(at, at + PASSING_BYTES);
    if (!readPassing(file, at, part.length).equals(part)) throw notKept();
  }
`,
    by: `    done += bytes.length;
  }
}

function demandContent(file, bytes) {
  const stats = fstatSync(file, { bigint: true });
`,
    noticedBy: 'e2e/simulation: a life comes to the same: a disk that writes half of each small file',
    breaks: /after 6 syncs of each, devices have/,
  },

  {
    mistake: 'a file that did not get its place counts as downloaded',
    file: 'client/steps/download.ts',
    replace: "return result.status === 'fulfilled' ? [{ ...file, disk: { mode, ...result.value } }] : [];",
    by: "return [{ ...file, disk: { mode, ...(result.value ?? { identity: '', hint: '' }) } }];",
    noticedBy: 'e2e/simulation: a life comes to the same: a disk on which no file gets its place',
    breaks: /I15: .* is nowhere/,
  },

  {
    mistake: 'a file of the size that is known counts as unchanged',
    file: 'client/disk/scan.ts',
    replace: "if (before?.kind === 'file' && before.hint === hint) return;",
    by: "if (before?.kind === 'file' && before.size === Number(stats.size)) return;",
    noticedBy:
      'client/lost-events: whatever events of the folder get lost, come late or in another order, a look at all of it finds what is there',
    breaks: /I56: what is known of the folder/,
  },

  {
    mistake: 'who hears nothing of the folder looks at it every ten minutes only',
    file: 'client/engine/clock.ts',
    replace: 'const RESCAN_MS = 60_000;',
    by: 'const RESCAN_MS = 10 * 60_000;',
    noticedBy: 'e2e/simulation: a life comes to the same: a file that is saved while nothing is heard of the folder',
    breaks: /I15: .* is nowhere/,
  },
];
