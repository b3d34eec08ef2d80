/**
 * Threads in which Node waits for the disk. A disk that has several flushes to do does them together: with the four that
 * Node has of itself each batch of small files takes twice as many of the file system's commits. Imported before all
 * else, since Node looks when the first of them is needed.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';

export const POOL_THREADS = Number(process.env.UV_THREADPOOL_SIZE);
