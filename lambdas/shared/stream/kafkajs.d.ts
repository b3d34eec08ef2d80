declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** The requests to one broker: those under way, and those that wait for these or because the broker asked for fewer. */
  class RequestQueue {
    constructor(options: {
      maxInFlightRequests: number;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      clientId: string;
      broker: string;
      logger: { debug(message: string, extra?: object): void };
    });
    readonly pending: readonly unknown[];
    /** The broker asks for no requests for so many milliseconds. */
    maybeThrottle(ms: number): void;
    push(request: {
      entry: { correlationId: number; resolve: () => void };
      expectResponse: boolean;
      sendRequest: () => void;
    }): void;
    /** Sends what may be sent of what waits, now and again later. */
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
    destroy(): void;
  }
  export = RequestQueue;
}

declare module 'kafkajs/src/broker/index.js' {
  interface ProduceRequest {
    readonly topicData: readonly {
      readonly partitions: readonly { readonly partition: number; readonly messages: readonly object[] }[];
    }[];
  }
  /** One broker, and the connections to it. */
  class Broker {
    /** Rejects when any of the partitions is refused. */
    produce(request: ProduceRequest): Promise<unknown>;
  }
  export = Broker;
}
