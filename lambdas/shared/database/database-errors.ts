/** What pg says when a connection, or its turn in the pool, did not come in time. */
const CONNECT_TIMEOUT = 'timeout exceeded when trying to connect';

/**
 * Whether the database failed in a way that passes: SQLSTATE 08xxx connection, 57P0x shutdown, 40001 serialization,
 * 40P01 deadlock; else a broken socket.
 */
export function isTransient(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string') return /^(08...|57P0.|40001|40P01|ECONNRESET|EPIPE|ECONNREFUSED)$/.test(code);
  return (
    typeof message === 'string' && /^Connection terminated|Client has encountered a connection error/.test(message)
  );
}

/** Whether asking again in a moment may help: also after a statement or connection that timed out, or none was free. */
export function isOverloaded(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return isTransient(error) || code === '57014' || code === '53300' || message === CONNECT_TIMEOUT;
}

/** Whether the statement names a schema or table that is not there: SQLSTATE 42P01 and 3F000. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '42P01' || code === '3F000';
}
