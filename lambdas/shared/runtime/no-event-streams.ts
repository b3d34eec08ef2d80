/**
 * Stands in bundles for the SDK's event streams (see lib/constructs/bundle.ts), which no operation of ours uses, and whose module,
 * loaded on demand, would keep the bundler from leaving out what is not used.
 */
export function eventStreamSerdeProvider(): undefined {
  return undefined;
}

export function resolveEventStreamSerdeConfig<Config>(config: Config): Config {
  return config;
}

export class EventStreamSerde {
  constructor() {
    throw new Error('event streams are not bundled: take the alias out of lib/constructs/bundle.ts to use them');
  }
}
