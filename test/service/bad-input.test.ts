import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { deltaContentType, encodeDeltaBody } from '../../protocol/delta-apply.ts';
import { TreeResponse } from '../../protocol/tree.ts';
import { expectError } from '../support/expect-error.ts';
import { blocksOf, offer, User } from '../support/user.ts';
import { signUp, url } from './support/service.ts';

let user: User;

beforeAll(async () => {
  user = await signUp();
});

async function tree(of: User): Promise<TreeResponse> {
  const { body } = await of.call('GET', `/tree?device_id=${of.device}`);
  return TreeResponse.parse(body);
}

describe('a request that no route takes', () => {
  test('an unknown route', async () => {
    expectError(await user.call('GET', '/no-such-route'), 404, 'route_unknown');
  });

  test('a wrong method, with the right ones named', async () => {
    const answer = await user.call('GET', '/finalize');
    expectError(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('POST');
  });

  test('a bad token and none, in the words of API Gateway', async () => {
    const stranger = new User(url, `${user.token.slice(0, -8)}AAAAAAAA`);
    const answer = await stranger.call('GET', `/changes?device_id=${user.device}&cursor=0`);
    expect(answer).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
    expect((await fetch(`${url}/changes`)).status).toBe(401);
  });
});

describe('a malformed body', () => {
  const upload = (files: unknown[]): object => ({ upload_id: randomUUID(), device_id: user.device, files });

  test('no JSON', async () => {
    expectError(await user.call('POST', '/upload-init', '{"upload_id":'), 400, 'bad_request');
  });

  test('no body', async () => {
    expectError(await user.call('POST', '/finalize'), 400, 'bad_request');
  });

  test('a field of the wrong type is named', async () => {
    const error = expectError(
      await user.call('POST', '/finalize', { upload_id: 7, device_id: user.device }),
      400,
      'bad_request',
    );
    expect(error.message).toContain('upload_id');
  });

  test('a field that the contract does not know', async () => {
    const body = { upload_id: randomUUID(), device_id: user.device, user_id: randomUUID() };
    expectError(await user.call('POST', '/finalize', body), 400, 'bad_request');
  });

  test.each(['/etc/passwd', '../up', 'a//b', 'a/./b', 'nul\0', 'back\\slash', 'e\u0301'])(
    'the path %j',
    async (path) => {
      const file = { ...(await offer('x', Buffer.from('x'), 0)), path };
      expectError(await user.call('POST', '/upload-init', upload([file])), 400, 'bad_request');
    },
  );

  test('a size that is not the sum of the blocks', async () => {
    const file = { ...(await offer('x', Buffer.from('x'), 0)), size: 2 };
    expectError(await user.call('POST', '/upload-init', upload([file])), 400, 'bad_request');
  });

  test('more files than a call may hold', async () => {
    const file = await offer('x', Buffer.from('x'), 0);
    const files = Array.from({ length: 501 }, (_, index) => ({ ...file, path: `x${index}` }));
    expectError(await user.call('POST', '/upload-init', upload(files)), 400, 'limit_exceeded');
  });

  test('more than API Gateway takes', async () => {
    const answer = await user.call('POST', '/delta-apply', Buffer.alloc(10 * 1024 * 1024 + 1), {
      'content-type': deltaContentType,
    });
    expect(answer.status).toBe(413);
  });

  test('another content type', async () => {
    expectError(
      await user.call('POST', '/finalize', 'a=b', { 'content-type': 'text/plain' }),
      415,
      'unsupported_media_type',
    );
  });
});

describe('a request that does not fit what is stored', () => {
  const content = randomBytes(10_000);

  beforeAll(async () => {
    expect(await user.save('kept.bin', content)).toMatchObject({ path: 'kept.bin', version: 1 });
  });

  test('a stale base version answers 409 with the current one, and changes nothing', async () => {
    const { upload_id } = await user.begin('kept.bin', Buffer.alloc(0), 1);
    await (await user.addDevice()).save('kept.bin', content, 1);
    const before = await tree(user);
    const { details } = expectError(await user.finalize(upload_id), 409, 'stale_version');
    expect(details).toMatchObject({ results: [{ path: 'kept.bin', error: { current_version: 2 } }] });
    const { answer } = await user.begin('kept.bin', Buffer.alloc(0), 0);
    expect(answer.refused).toMatchObject([{ path: 'kept.bin', error: { code: 'stale_version', current_version: 2 } }]);
    expectError(
      await user.call('POST', '/delete', {
        request_id: randomUUID(),
        device_id: user.device,
        files: [{ path: 'kept.bin', base_version: 7 }],
      }),
      409,
      'stale_version',
    );
    expect(await tree(user)).toEqual(before);
  });

  test('an unknown version', async () => {
    const answer = await user.call<{ files: { error: { code: string } }[] }>('POST', '/download', {
      device_id: user.device,
      files: [{ path: 'kept.bin', version: 9 }],
    });
    expect(answer.body.files[0]!.error.code).toBe('not_found');
    expectError(
      await user.call('POST', '/restore', {
        request_id: randomUUID(),
        device_id: user.device,
        files: [{ path: 'kept.bin', version: 9, base_version: 1 }],
      }),
      404,
      'not_found',
    );
  });

  test('an unknown file and an unknown device', async () => {
    expectError(await user.call('GET', `/history?device_id=${user.device}&path=nothing`), 404, 'not_found');
    expectError(await user.call('GET', `/changes?device_id=${randomUUID()}&cursor=0`), 403, 'device_unknown');
  });

  test('an unknown upload', async () => {
    expectError(await user.finalize(randomUUID()), 410, 'upload_gone');
  });

  test('a finalize before the blocks were sent', async () => {
    const { upload_id } = await user.begin('unsent.bin', randomBytes(100));
    const error = expectError(await user.finalize(upload_id), 422, 'blocks_missing');
    expect(error.details).toBeDefined();
    expect((await tree(user)).entries.map(({ name }) => name)).not.toContain('unsent.bin');
  });

  test('a bad delta fails alone; the good one beside it is applied', async () => {
    const good = Buffer.concat([content.subarray(0, 5000), randomBytes(20), content.subarray(5000)]);
    const bad = Buffer.concat([content.subarray(0, 3000), randomBytes(30), content.subarray(3000)]);
    const [goodBlock, badBlock] = [(await blocksOf(good))[0]!, (await blocksOf(bad))[0]!];
    const base = { path: 'kept.bin', version: 1, first: 0, count: 1 };
    const offered = await Promise.all([offer('good.bin', good, 0), offer('bad.bin', bad, 0)]);
    const upload_id = randomUUID();
    const deltas = [encodeDelta(content, good), encodeDelta(content, bad)];
    const files = offered.map((file, index) => ({
      ...file,
      blocks: file.blocks.map((block) => ({ ...block, delta: { base, bytes: deltas[index]!.length } })),
    }));
    const init = await user.call<{ send: { how: string }[] }>('POST', '/upload-init', {
      upload_id,
      device_id: user.device,
      files,
    });
    expect(init.body.send.map(({ how }) => how)).toEqual(['delta', 'delta']);

    deltas[1]![deltas[1]!.length - 1]! ^= 0xff;
    const items = [goodBlock, badBlock].map(({ hash, size }, i) => ({ hash, size, base, bytes: deltas[i]!.length }));
    const body = encodeDeltaBody({ upload_id, device_id: user.device, deltas: items }, deltas);
    const applied = await user.call<{ results: { hash: string; error?: { code: string } }[] }>(
      'POST',
      '/delta-apply',
      body,
      {
        'content-type': deltaContentType,
      },
    );
    expect(applied.status).toBe(200);
    expect(applied.body.results).toMatchObject([
      { hash: goodBlock.hash },
      { hash: badBlock.hash, error: { code: 'bad_delta' } },
    ]);

    const { body: committed } = await user.finalize(upload_id);
    expect(committed.results).toMatchObject([
      { path: 'good.bin', version: 1 },
      { path: 'bad.bin', error: { code: 'blocks_missing' } },
    ]);
  });

  test('a truncated delta body', async () => {
    const answer = await user.call('POST', '/delta-apply', Uint8Array.of(0, 0, 1, 0, 123), {
      'content-type': deltaContentType,
    });
    expectError(answer, 400, 'bad_request');
  });
});

describe("another user's file", () => {
  test('is not there, whatever names it', async () => {
    const secret = randomBytes(5000);
    await user.save('secret.bin', secret);
    const stranger = await signUp();

    const download = await stranger.call<{ files: { error: { code: string } }[]; urls: object }>('POST', '/download', {
      device_id: stranger.device,
      files: [{ path: 'secret.bin', version: 1 }],
    });
    expect(download.body.files[0]!.error.code).toBe('not_found');
    expect(download.body.urls).toEqual({});
    expectError(await stranger.call('GET', `/history?device_id=${stranger.device}&path=secret.bin`), 404, 'not_found');
    expectError(await stranger.call('GET', `/changes?device_id=${user.device}&cursor=0`), 403, 'device_unknown');
  });

  test('is not to be had by its hash: the service asks for a proof of possession', async () => {
    const secret = randomBytes(5000);
    await user.save('claimed.bin', secret);
    const stranger = await signUp();
    const { upload_id, answer } = await stranger.begin('mine-now.bin', secret);
    const [block] = await blocksOf(secret);
    expect(answer.send).toMatchObject([{ hash: block!.hash, how: 'prove' }]);

    const proofs = [{ hash: block!.hash, proof: 'f'.repeat(64) }];
    const proved = await stranger.call<{ results: { error: { code: string } }[] }>('POST', '/prove', {
      upload_id,
      device_id: stranger.device,
      proofs,
    });
    expect(proved.body.results[0]!.error.code).toBe('content_mismatch');
    expectError(await stranger.finalize(upload_id), 422, 'blocks_missing');
  });

  test('cannot serve as the base of a delta', async () => {
    const content = randomBytes(5000);
    await user.save('base.bin', content);
    const stranger = await signUp();
    const target = Buffer.concat([content, Buffer.from('more')]);
    const [file, delta] = [await offer('base.bin', target, 0), encodeDelta(content, target)];
    const base = { path: 'base.bin', version: 1, first: 0, count: 1 };
    const answer = await stranger.call<{ send: { how: string }[] }>('POST', '/upload-init', {
      upload_id: randomUUID(),
      device_id: stranger.device,
      files: [{ ...file, blocks: [{ ...file.blocks[0], delta: { base, bytes: delta.length } }] }],
    });
    expect(answer.body.send).toMatchObject([{ how: 'put' }]);
  });
});

describe('the signed URLs', () => {
  test('the block store refuses another body, length, header and a cut signature', async () => {
    const content = randomBytes(1000);
    const { answer } = await user.begin('signed.bin', content);
    const [send] = answer.send;
    if (send?.how !== 'put') throw new Error('a new block is to be put');
    const put = async (url: string, headers: Record<string, string>, body: Uint8Array): Promise<number> =>
      (await fetch(url, { method: 'PUT', headers, body: body as BodyInit })).status;

    expect(await put(send.url, send.headers, randomBytes(1000))).toBe(400);
    expect(await put(send.url, send.headers, content.subarray(1))).toBe(403);
    expect(await put(send.url, {}, content)).toBe(403);
    expect(await put(send.url.replace(/Signature=..../, 'Signature=0000'), send.headers, content)).toBe(403);
    expect(await put(send.url.replace(/X-Amz-Date=\d{4}/, 'X-Amz-Date=2020'), send.headers, content)).toBe(403);
    expect(await put(send.url, send.headers, content)).toBe(200);
  });

  test('the CDN refuses a URL without a signature, with another one, and for another block', async () => {
    const content = randomBytes(2000);
    await user.save('served.bin', content);
    const { body } = await user.call<{ urls: Record<string, string> }>('POST', '/download', {
      device_id: user.device,
      files: [{ path: 'served.bin' }],
    });
    const [[hash, url]] = Object.entries(body.urls) as [[string, string]];
    const answer = await fetch(url);
    expect(Buffer.from(await answer.arrayBuffer()).equals(content)).toBe(true);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await fetch(url)).headers.get('x-cache')).toBe('Hit from cloudfront');

    expect((await fetch(url.split('?')[0]!)).status).toBe(403);
    expect((await fetch(url.replace(/Expires=\d+/, 'Expires=9999999999'))).status).toBe(403);
    expect((await fetch(url.replace(hash, '0'.repeat(64)))).status).toBe(403);
  });
});
