/* What every function has: variables, logs, figures, credentials. It knows nothing of Tidemark's data. */

/** Reads an environment variable that the template must set. Throws with its name when it is missing or empty. */
export function requireEnv(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`environment variable ${name} is not set: the template must give it to this function`);
  return value;
}

/** Makes a function that computes its value at the first call and remembers it, for what an instance keeps. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
