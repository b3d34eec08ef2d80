import type { Stream } from '../../types.ts';

interface Topic {
  readonly name: string;
  readonly partitions: number;
  readonly retentionMs: number;
}

/** The sync stream as its services see it: consumers see only the `Stream` part. */
export interface TopicStream extends Stream {
  /** Makes sure that the topic is there with this many partitions (or more) and this retention. */
  createTopic(topic: Topic): Promise<void>;
  /** @returns undefined for a topic that was not created */
  partitions(topic: string): number | undefined;
  stop(): Promise<void>;
}
