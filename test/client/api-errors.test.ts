import { expect, test } from 'vitest';
import { errorOf } from '../../client/service/errors.ts';

test('a failure of the service names the request by which its log is found', () => {
  const body = JSON.stringify({ code: 'internal', message: 'the service failed' });
  expect(errorOf(500, body, 'Abc123=').message).toBe('the service failed (request Abc123=)');
  expect(errorOf(503, '{"message":"Service Unavailable"}', 'Abc123=').message).toContain('(request Abc123=)');
});

test('what the user can mend himself needs no log', () => {
  const body = JSON.stringify({ code: 'not_found', message: 'there is no such version' });
  expect(errorOf(404, body, 'Abc123=').message).toBe('there is no such version');
});
