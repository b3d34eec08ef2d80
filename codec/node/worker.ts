import { parentPort } from 'node:worker_threads';
import { findBlock, type Search } from './find-block.ts';
import { readSegment, type Segment } from './segment.ts';

parentPort!.on('message', (task: Segment | Search) => {
  try {
    parentPort!.postMessage({ result: 'sought' in task ? findBlock(task) : readSegment(task) });
  } catch (error) {
    // A copy of an error between threads lacks its own properties, such as the `code` of a system error.
    parentPort!.postMessage({ error, properties: { ...(error as Error) } });
  }
});

parentPort!.postMessage({});
