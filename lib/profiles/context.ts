/** Reads a key of the context: by `--context` or cdk.json. */
export type Context = (key: string) => unknown;

/**
 * The value of a key, if it has one.
 * @param form how it has to look, for the error
 * @throws Error that says which key is wrong
 */
export function text(context: Context, key: string, pattern: RegExp, form: string): string | undefined {
  const value = context(key);
  if (value === undefined || (typeof value === 'string' && pattern.test(value))) return value;
  throw new Error(`${key} is ${JSON.stringify(value)}: give ${form}.`);
}

export function flag(context: Context, key: string, fallback: boolean): boolean {
  const value = text(context, key, /^(true|false)$/, 'true or false');
  return value === undefined ? fallback : value === 'true';
}
