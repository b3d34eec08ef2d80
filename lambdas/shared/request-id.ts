let current: string | undefined;

/** Says on which request, by API Gateway's id, this instance works. An instance has one at a time. */
export function beginRequest(id: string | undefined): void {
  current = id;
}

/** The request that this instance works on; undefined outside one. */
export function requestId(): string | undefined {
  return current;
}
