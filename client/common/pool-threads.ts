/**
 * Threads in which Node waits for the disk: four of itself, and a file system does the flushes together that wait for it
 * at the same time. Imported before all else, since Node looks when the first of them is needed.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';

export const POOL_THREADS = Number(process.env.UV_THREADPOOL_SIZE);
