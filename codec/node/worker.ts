import { parentPort } from 'node:worker_threads';
import { readSegment, type Segment } from './segment.ts';

parentPort!.on('message', (segment: Segment) => {
  try {
    const blocks = readSegment(segment);
    parentPort!.postMessage({ blocks });
  } catch (error) {
    parentPort!.postMessage({ error });
  }
});
