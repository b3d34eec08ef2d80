/** The folder, inside a synced folder, that holds the client's own files. It is never synced. */
export const stateFolder = '.tidemark';

/** Beginning of the names of files that a client has not finished: the ids of its folder and of the file follow. */
export const unfinishedPrefix = '.tidemark-tmp-';

const uuid = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const unfinished = new RegExp(`^\\.tidemark-tmp-${uuid}-${uuid}$`);

/** What nobody sees in a name; HFS+ leaves most of it out when it compares names. */
const invisible = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * One form of all spellings that some file system takes for the same name: case, Unicode normalisation, invisible
 * characters, spaces and dots at the end (Windows). It may be the same for names that no file system confuses.
 */
export function foldName(name: string): string {
  const visible = name.normalize('NFKD').replace(invisible, '');
  return visible
    .toUpperCase()
    .toLowerCase()
    .replace(/[ .]+$/, '');
}

/** Nearly all names, told apart without a look at every character's cases: no spelling of one that is kept. */
function isOrdinary(name: string): boolean {
  return /^[ -~]*$/.test(name) && !/^\.?tidema/i.test(name);
}

/** Whether this is the name of a file that some client has not finished. */
export function isUnfinished(name: string): boolean {
  return !isOrdinary(name) && (unfinished.test(name) || unfinished.test(foldName(name)));
}

/**
 * Why a name cannot be a user's, in any spelling; `undefined` for one that can. What lies under it belongs to one
 * device, and must not come from another. `tidema~1` is the name that Windows makes of it for old programs.
 */
export function reservedReason(name: string): string | undefined {
  if (isOrdinary(name)) return undefined;
  const spelling = foldName(name);
  if (spelling === stateFolder || /^tidema~\d$/.test(spelling)) return "is kept for Tidemark's own folder";
  if (unfinished.test(spelling)) return "is kept for Tidemark's unfinished files";
  return undefined;
}
