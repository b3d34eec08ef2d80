/** Limits of the service. Both sides enforce them; a request beyond one is refused with `limit_exceeded`. */
export const limits = {
  /** Bytes in a block; a file is cut into blocks of this size by default, and no block may be larger. */
  blockBytes: 4 * 1024 * 1024,
  /** Files in one upload-init, finalize, restore or download call. */
  filesPerCall: 500,
  /** Renames in one move call: a directory goes with all that is in it in one. */
  movesPerCall: 6000,
  /** Deletions in one delete call: as many as it can mark directories. */
  deletesPerCall: 2000,
  /** Bytes of the paths of one move or delete call, in JSON in an event, so that neither it nor its answer gets beyond Lambda's 6 MB. */
  pathBytesPerCall: 3 * 1024 * 1024,
  /** Entries of a directory that moves as one item, itself included, and blocks of all of them: what few seconds do. */
  entriesPerFolder: 20_000,
  blocksPerFolder: 40_000,
  /** Blocks in one upload-init call, and so in one file; with 100 bytes of JSON each they stay under Lambda's 6 MB. */
  blocksPerCall: 20_000,
  /** Blocks of a file, for each that it has at least, and so many more. */
  blocksPerFullBlock: 4,
  moreBlocksPerFile: 16,
  /** Bytes of content, and of it encoded, that travels with the call. */
  smallBytes: 256 * 1024,
  smallEncodedBytes: 256 * 1024 + 64,
  /** Bytes of encoded content that a row of the database takes; what is larger lies in a pack. */
  rowBytes: 8 * 1024,
  /** Bytes of encoded contents that one user may have in rows; what is more goes to the store. */
  contentBytes: 4 * 1024 * 1024 * 1024,
  /** Bytes of contents, in base64, in one answer: beside the longest lists of files and URLs they stay within Lambda's 6 MB. */
  contentBytesPerAnswer: 3 * 1024 * 1024,
  /** Bytes of a delta-apply or save body: Lambda's 6 MB payload less base64 and the envelope. */
  binaryBodyBytes: 4 * 1024 * 1024,
  deltasPerCall: 256,
  /** Contents in one save call: as many as files, and some more where files have several blocks. */
  contentsPerCall: 1000,
  /** Packs that one save call names, which is as much as its function reads; and those of a user that no save has used yet. */
  packsPerCall: 4,
  openPacks: 64,
  /** Neighbouring base blocks that one delta may read, and their bytes. */
  baseBlocksPerDelta: 16,
  baseBytesPerDelta: 12 * 1024 * 1024,
  /** Bytes of the bases and of the blocks that come of them in one call: what one vCPU does in a third of 29 s. */
  deltaWorkBytes: 256 * 1024 * 1024,
  /** Bytes of a delta that is kept for the user's other devices; how many, with how many bytes, are kept for a user, and for how many days. */
  keptDeltaBytes: 256 * 1024,
  keptDeltas: 4096,
  keptDeltasBytes: 64 * 1024 * 1024,
  deltaDays: 7,
  proofsPerCall: 64,
  /** Blocks to send that one upload-init answer names: a signed URL has up to 2 kB, of Lambda's 6 MB. */
  sendsPerPage: 1000,
  /** Blocks that a user may ask about in a day, of those that he does not hold; proven ones do not count. */
  claimsPerDay: 5000,
  /** Blocks of one file in one download call that arrived damaged: each is read from the store again. */
  damagedPerFile: 100,
  /** Blocks in one heal call. */
  healsPerCall: 100,
  /** Blocks in one heal call that the service reads because a device could not get them. */
  suspectsPerCall: 16,
  /** UTF-8 bytes of a path: macOS takes no more, and two of them have to fit an index row of PostgreSQL (2,704 bytes). */
  pathBytes: 1024,
  /** UTF-8 bytes of one segment: the limit of file names on ext4, APFS and NTFS. */
  segmentBytes: 255,
  /** Names in a path, one in another. */
  pathSegments: 100,
  /** Directories above the paths of one call, each of which a commit has to mark; files rarely have so many. */
  directoriesPerCall: 2000,
  devicesPerUser: 50,
  /** Revoked devices that stay in the list; the latest ones. */
  revokedDevices: 50,
  /** Sign-ins as one device whose tokens work; the latest ones. */
  signInsPerDevice: 10,
  /** Days that a sign-in lasts: the validity of its refresh token. */
  signInDays: 3650,
  /** Minutes after a sign-in in which it may revoke other devices. */
  freshSignInMinutes: 10,
  /** Files and directories in a user's tree. */
  entriesPerUser: 1_000_000,
  /** Uploads of a user that wait for finalize, and the blocks that they pin; beyond, the oldest gives way. */
  openUploads: 100,
  openBlocks: 200_000,
  /** Quotas that all that is kept for a user may take, history and lost uploads too; and bytes on top, for small ones. */
  keptQuotas: 3,
  keptAllowance: 1024 * 1024,
  /** What anything that is kept counts at least, in bytes: a disk takes no less for a file. */
  countedBytes: 4096,
  changesPerPage: 2500,
  treeEntriesPerPage: 1000,
  historyPerPage: 200,
  differencesPerPage: 1000,
  /** Seconds that a signed upload or download URL is valid. */
  urlSeconds: 900,
  /** Seconds that a WebSocket ticket is valid. */
  ticketSeconds: 60,
  /** Hours that an upload, and its hold on blocks, lives. */
  uploadHours: 72,
  /** Hours that a block which nothing uses stays in the store. */
  graceHours: 72,
  /** Hours that the answer to a delete, move or restore is kept for retries of the call. */
  answerHours: 72,
  /** Days that a superseded version is kept. */
  historyDays: 30,
} as const;
