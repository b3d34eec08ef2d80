/** Whether it is an object of named members, as JSON has them: neither null nor a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The texts of a property that holds one, several or none. */
export function texts(value: unknown): string[] {
  return [value ?? []].flat().map(String);
}
