export interface CachedObject {
  readonly body: Buffer;
  /** The origin's, as the edge passes them on. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly stored: number;
}

/** Least recently used objects, bounded by the bytes of their bodies. */
export function createCache(maxBytes: number): {
  get(key: string): CachedObject | undefined;
  set(key: string, object: CachedObject): void;
  delete(key: string): void;
} {
  // A Map iterates in insertion order; a hit moves its entry to the end.
  const entries = new Map<string, CachedObject>();
  let bytes = 0;
  const drop = (key: string): void => {
    bytes -= entries.get(key)?.body.length ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const found = entries.get(key);
      if (!found) return undefined;
      entries.delete(key);
      entries.set(key, found);
      return found;
    },
    set(key, object) {
      drop(key);
      entries.set(key, object);
      bytes += object.body.length;
      for (const oldest of entries.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    delete: drop,
  };
}
