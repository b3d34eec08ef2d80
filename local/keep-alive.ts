/** How long servers keep idle connections: longer than clients do, so that these never write into one that is being closed. */
export const KEEP_ALIVE_MS = 60_000;
