/** What the cloud and a function's process say to each other over their IPC channel. */
export interface Invocation {
  readonly type: 'invoke';
  readonly requestId: string;
  readonly functionArn: string;
  readonly traceId: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** JSON. */
  readonly payload: string;
}

export type ToInstance =
  | { readonly type: 'init'; readonly taskRoot: string; readonly handler: string /** PEM */; readonly ca: string }
  | Invocation;

export type FromInstance =
  | { readonly type: 'ready' }
  | { readonly type: 'init failure'; readonly payload: string }
  | { readonly type: 'answer'; readonly payload: string }
  | { readonly type: 'failure'; readonly payload: string };
