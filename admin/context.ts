import type { Service } from './service.ts';

/** What every command gets. */
export interface Context {
  service(): Promise<Service> | Service;
  /** Whether the output is for a program. */
  json(): boolean;
}
