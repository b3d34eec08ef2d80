import { afterAll, beforeAll, expect, test } from 'vitest';
import { Audience } from '../../bench/notify/audience.ts';
import { type Service, startService } from '../support/service.ts';

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

test('the benchmark of pushes hears the newest change of each call at every socket, and says how late', async () => {
  const audience = await Audience.open(service.cloud, 3);
  for (const files of [1, 20]) {
    const late = await audience.save(files);
    expect(late).toHaveLength(3);
    for (const ms of late) expect(ms).toSatisfy((each: number) => each >= 0 && each < 10_000);
  }
  audience.close();
});
