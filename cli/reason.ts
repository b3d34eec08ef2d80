/** The message of an error, and any other value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why a request got no answer: `fetch` only says that it failed, and keeps the reason in its cause. */
export function reasonOf(error: unknown): string {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : undefined;
  return messageOf(reason) || (code ?? 'no reason given');
}
