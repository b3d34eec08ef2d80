/** Why a path is left out for its kind, by kind. */
export const neverSynced = {
  link: 'symbolic links are not synced',
  special: 'is a special file',
  signIn: "holds a device's sign-in, which stays on that device",
};

/** Whether a reason for leaving a path out is its kind, which no sync could change. */
export function isNeverSynced(reason: string): boolean {
  return Object.values(neverSynced).includes(reason);
}
