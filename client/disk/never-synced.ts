/** Why a path is left out for its kind, by kind. */
export const neverSynced = {
  linkOut: 'is a symbolic link that points out of the folder',
  linkToPlace: 'is a symbolic link to an absolute place, which is another one on other devices',
  linkToOther: 'is a symbolic link to what is never synced',
  special: 'is a special file',
  signIn: "holds a device's sign-in, which stays on that device",
};

/** Whether a reason for leaving a path out is its kind, which no sync could change. */
export function isNeverSynced(reason: string): boolean {
  return Object.values(neverSynced).includes(reason);
}
