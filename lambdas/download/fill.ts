import type { DownloadResponse } from '../../protocol/download.ts';
import { tooMuch } from '../../protocol/internal/locate.ts';
import { answerBytes, itemBytes, roomBeside } from '../shared/answers/answer-size.ts';

/**
 * The answer with as many of the files, in their order, as it has room for with their URLs; in the rest what is small, and
 * deltas.
 */
export function fill(
  { files, urls, contents, packed, deltas }: Omit<DownloadResponse, 'urls_expire_at'>,
  urls_expire_at: number,
): DownloadResponse {
  const refused = files.map((file) => ('error' in file ? file : { path: file.path, error: tooMuch }));
  const answer: DownloadResponse = { files: [], urls: {}, contents: {}, packed: {}, deltas: {}, urls_expire_at };
  let room = roomBeside({ ...answer, files: refused });
  for (const [index, file] of files.entries()) {
    const added = 'error' in file ? {} : urlsOf(file.entry, urls, answer.urls);
    const bytes = answerBytes(file) - answerBytes(refused[index]) + answerBytes(added);
    if (bytes > room) {
      answer.files.push(refused[index]!);
      continue;
    }
    room -= bytes;
    answer.files.push(file);
    Object.assign(answer.urls, added);
  }
  for (const [hash, part] of Object.entries(packed)) {
    const url = answer.urls[part.pack] === undefined ? { [part.pack]: urls[part.pack]! } : {};
    room -= itemBytes([hash, part]) + answerBytes(url);
    if (room < 0) break;
    answer.packed[hash] = part;
    Object.assign(answer.urls, url);
  }
  for (const [given, wanted] of [
    [answer.contents, contents],
    [answer.deltas, deltas],
  ] as const) {
    for (const [hash, item] of Object.entries(wanted)) {
      room -= itemBytes([hash, item]);
      if (room < 0) break;
      given[hash] = item;
    }
  }
  return answer;
}

/** The URLs of the entry's blocks that `given` lacks. */
function urlsOf(
  { blocks }: { blocks: readonly { hash: string }[] },
  urls: DownloadResponse['urls'],
  given: DownloadResponse['urls'],
): DownloadResponse['urls'] {
  const hashes = blocks.map(({ hash }) => hash).filter((hash) => urls[hash] !== undefined && given[hash] === undefined);
  return Object.fromEntries(hashes.map((hash) => [hash, urls[hash]!]));
}
