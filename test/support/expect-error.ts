import { expect } from 'vitest';
import { ErrorBody } from '../../protocol/errors.ts';
import type { Answer } from './user.ts';

/** That an answer is this refusal, with a message; returns its body. */
export function expectError(answer: Answer<unknown>, status: number, code: string): ErrorBody {
  const error = ErrorBody.parse(answer.body);
  expect({ status: answer.status, code: error.code }).toEqual({ status, code });
  expect(error.message).not.toBe('');
  return error;
}
