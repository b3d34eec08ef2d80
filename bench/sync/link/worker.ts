/* The relays of one link, on a thread of their own. */
import { parentPort, workerData } from 'node:worker_threads';
import { Line } from '../../../test/support/network/line.ts';
import { Relay } from '../../../test/support/network/relay.ts';
import { freePort } from '../../../test/support/ports.ts';
import type { Way } from './link.ts';

const { link, targets } = workerData as Way;
const line = new Line();
line.fault = { latencyMs: link.rttMs / 2, bytesPerSecond: (link.mbit * 1_000_000) / 8 };
const ports: number[] = [];
for (const target of targets) ports.push((await Relay.open(await freePort(), target, line)).port);
parentPort?.postMessage(ports);
