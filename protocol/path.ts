import * as z from 'zod';
import { limits } from './limits.ts';
import { reservedReason } from './reserved-name.ts';

const encoder = new TextEncoder();

/**
 * Says what is wrong with a path, or `undefined` for a good one.
 * A path is relative, `/`-separated, NFC UTF-8, without empty, `.` or `..` segments, control characters or backslashes,
 * and holds no name that is the client's own. `docs/decisions/client.md` says why names that only some systems take are good.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is absolute; paths are relative to the synced folder';
  if (!path.isWellFormed()) return 'is not valid Unicode';
  if (path !== path.normalize('NFC')) return 'is not in Unicode normal form C';
  if (path.includes('\\')) return `holds a backslash at character ${path.indexOf('\\') + 1}`;
  const control = firstControlCharacter(path);
  if (control >= 0) return `holds a control character at character ${control + 1}`;
  if (isLonger(path, limits.pathBytes)) return `is longer than ${limits.pathBytes} bytes`;
  const segments = path.split('/');
  if (segments.length > limits.pathSegments) return `has more than ${limits.pathSegments} names, one in another`;
  for (const segment of segments) {
    if (segment === '') return 'holds an empty segment';
    if (segment === '.' || segment === '..') return `holds a '${segment}' segment`;
    if (isLonger(segment, limits.segmentBytes)) {
      return `holds a name longer than ${limits.segmentBytes} bytes`;
    }
    const reserved = reservedReason(segment);
    if (reserved) return reserved;
  }
  return undefined;
}

/** A character of UTF-16 is three bytes of UTF-8 at most, so that most are seen to be short without being encoded. */
function isLonger(text: string, bytes: number): boolean {
  return 3 * text.length > bytes && encoder.encode(text).length > bytes;
}

/** Says what is wrong with one name in a directory, or `undefined` for a good one. */
function nameProblem(name: string): string | undefined {
  return name.includes('/') ? 'holds a slash' : pathProblem(name);
}

/** Of both sets (below U+0020, U+007F to U+009F): a terminal obeys either. */
function firstControlCharacter(path: string): number {
  return path.search(/\p{Cc}/u);
}

function textWithout(problemOf: (text: string) => string | undefined): z.ZodString {
  return z.string().check((context) => {
    const problem = problemOf(context.value);
    if (problem) context.issues.push({ code: 'custom', message: problem, input: context.value });
  });
}

// Marked as pure, so that the bundle of a function that only works with paths holds no schema of them.

/** A file's or directory's path in the user's namespace. */
export const Path = /* @__PURE__ */ textWithout(pathProblem);

/** The last segment of a path. */
export const Name = /* @__PURE__ */ textWithout(nameProblem);

/** The directories above a path, nearest first, without the root. */
export function ancestors(path: string): string[] {
  const result: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) result.push(path.slice(0, end));
  return result;
}

/** The directory that a path lies in; the root is `''`. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** The last segment of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of a name in a directory; the root is `''`. */
export function pathInside(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Whether a path lies below a directory, at any depth; the root is `''`, and nothing lies in itself. */
export function isInside(path: string, directory: string): boolean {
  return directory === '' || path.startsWith(`${directory}/`);
}

/** What paths of one item take of `limits.pathBytesPerCall`: JSON, which an event quotes again. */
export function quotedBytes(paths: string | readonly string[]): number {
  return encoder.encode(JSON.stringify(JSON.stringify(paths))).length;
}

/** Whether a path is this one, or lies in it at any depth. */
export function isWithin(path: string, place: string): boolean {
  return path === place || isInside(path, place);
}

/** Whether a path is one of these, or lies in one of them at any depth. */
export function isWithinAny(path: string, places: Pick<ReadonlySet<string>, 'has'>): boolean {
  return places.has('') || [path, ...ancestors(path)].some((at) => places.has(at));
}
