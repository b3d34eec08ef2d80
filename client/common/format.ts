/** A local date and time to the second: `2026-01-31 14:05:09`. */
export function formatTime(milliseconds: number): string {
  const date = new Date(milliseconds - new Date(milliseconds).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** The text as a terminal may have it: it obeys control characters, and names of files may hold them. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

/** Prints a line for a person. */
export function say(line: string): void {
  console.log(printable(line));
}

/** How long a pause lasts, in words. */
export function describePause({
  until,
  metered,
}: {
  readonly until?: number | undefined;
  readonly metered?: true | undefined;
}): string {
  if (metered) return 'paused while this connection is metered';
  return until === undefined ? "paused until 'tidemark resume'" : `paused until ${formatTime(until)}`;
}
