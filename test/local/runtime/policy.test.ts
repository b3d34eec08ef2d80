import { describe, expect, test } from 'vitest';
import { recordCalls } from '../../../local/iam/calls.ts';
import { decide, parsePolicy } from '../../../local/iam/policy.ts';
import { createRoles } from '../../../local/iam/roles.ts';
import { scratch } from './sample-assembly.ts';

const parse = (...Statement: object[]) => parsePolicy({ Statement }, 'test');
const allow = (Action: unknown, Resource: unknown, more: object = {}) => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});

describe('policies', () => {
  test('wildcards in actions and resources', () => {
    const statements = parse(allow(['s3:Get*', 's3:PutObject'], 'arn:aws:s3:::blocks/blocks/*'));
    expect(decide(statements, 's3:GetObject', 'arn:aws:s3:::blocks/blocks/ab')).toBe('allowed');
    expect(decide(statements, 's3:getobject', 'arn:aws:s3:::blocks/blocks/ab')).toBe('allowed');
    expect(decide(statements, 's3:DeleteObject', 'arn:aws:s3:::blocks/blocks/ab')).toBe('not allowed');
    expect(decide(statements, 's3:GetObject', 'arn:aws:s3:::blocks/other/ab')).toBe('not allowed');
    expect(decide(statements, 's3:GetObject', 'arn:aws:s3:::xblocks/blocks/ab')).toBe('not allowed');
  });

  test('a deny wins', () => {
    const statements = parse(allow('*', '*'), { Effect: 'Deny', Action: 's3:PutObject', Resource: '*' });
    expect(decide(statements, 's3:PutObject', 'x')).toBe('denied');
    expect(decide(statements, 's3:GetObject', 'x')).toBe('allowed');
  });

  test('conditions are met by the request or not at all', () => {
    const statements = parse(
      allow('s3:ListBucketVersions', '*', { Condition: { StringLike: { 's3:prefix': 'blocks/*' } } }),
    );
    expect(decide(statements, 's3:ListBucketVersions', 'x', { 's3:prefix': 'blocks/a' })).toBe('allowed');
    expect(decide(statements, 's3:ListBucketVersions', 'x', { 's3:prefix': 'other/' })).toBe('not allowed');
    expect(decide(statements, 's3:ListBucketVersions', 'x')).toBe('not allowed');
  });

  test('what is not understood is refused when it is read', () => {
    expect(() => parse({ Effect: 'Allow', NotAction: 's3:*', Resource: '*' })).toThrow('does not evaluate NotAction');
    const odd = { Condition: { DateLessThan: { 'aws:CurrentTime': 'x' } } };
    expect(() => parse(allow('*', '*', odd))).toThrow('the condition operator DateLessThan');
  });
});

test('a role refuses in the words of AWS, and its credentials survive a restart', async () => {
  const data = await scratch();
  const roles = createRoles(data, recordCalls(data));
  const principal = roles.issue('UploadInit', 'arn:aws:iam::000000000000:role/upload');
  const refused = () => roles.authorize(principal, 's3:PutObject', 'arn:aws:s3:::blocks/x');
  expect(refused).toThrow(
    'User: arn:aws:sts::000000000000:assumed-role/upload/UploadInit is not authorized to perform: s3:PutObject on ' +
      'resource: arn:aws:s3:::blocks/x because no identity-based policy allows the s3:PutObject action',
  );
  roles.attach('upload', parse(allow('s3:PutObject', '*')));
  expect(refused).not.toThrow();
  expect(createRoles(data, recordCalls(data)).issue('UploadInit', principal.roleArn)).toEqual(principal);
  expect(roles.find(principal.accessKeyId)).toEqual(principal);
});

test('of the calls that one grant allows, the record keeps one, also over a restart', async () => {
  const data = await scratch();
  const record = () => {
    const calls = recordCalls(data);
    const roles = createRoles(data, calls);
    roles.attach('upload', parse(allow('s3:PutObject', ['arn:aws:s3:::blocks/*', 'arn:aws:s3:::other/*'])));
    const principal = roles.issue('UploadInit', 'arn:aws:iam::000000000000:role/upload');
    for (const key of ['blocks/a', 'blocks/b', 'other/c']) {
      roles.authorize(principal, 's3:PutObject', `arn:aws:s3:::${key}`);
    }
    return calls.list();
  };
  const first = record();
  expect(first.map(({ caller, resource }) => [caller, resource])).toEqual([
    ['UploadInit', 'arn:aws:s3:::blocks/a'],
    ['UploadInit', 'arn:aws:s3:::other/c'],
  ]);
  expect(record()).toEqual(first);
});
