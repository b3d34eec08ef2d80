/**
 * Stands in bundles for pg's parser of connection strings (see lib/constructs/bundle.ts): ours are made of parts, since the
 * password is a token of the moment.
 */
export function parse(): never {
  throw new Error('connection strings are not bundled: take the alias out of lib/constructs/bundle.ts to use them');
}
