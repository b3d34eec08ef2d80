import { parentPort } from 'node:worker_threads';
import { readSegment, type Segment } from './segment.ts';

parentPort!.on('message', (segment: Segment) => {
  try {
    parentPort!.postMessage({ blocks: readSegment(segment) });
  } catch (error) {
    // A copy of an error between threads lacks its own properties, such as the `code` of a system error.
    parentPort!.postMessage({ error, properties: { ...(error as Error) } });
  }
});
