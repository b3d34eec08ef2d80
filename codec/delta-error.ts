import {
  ERROR_COPY,
  ERROR_CORRECTIONS,
  ERROR_INSTRUCTIONS,
  ERROR_LITERALS,
  ERROR_MALFORMED,
  ERROR_OUTPUT,
  ERROR_TRAILING,
} from './kernel/errors.ts';

/** Why a delta, a signature, or what they were to be made from, was refused. */
export type DeltaErrorCode =
  /** A base of more than three blocks, a target of more than one, or a delta longer than any that is needed. */
  | 'too_large'
  | 'unknown_version'
  /** The bytes are cut off, followed by others, or such as no encoder writes. */
  | 'malformed'
  /** Made for a base of another size. */
  | 'wrong_base'
  /** Declares another size or hash than the one expected. */
  | 'wrong_target'
  | 'output_beyond_size'
  | 'copy_outside_base'
  | 'too_many_instructions'
  /** Applied in full, it yields other content: the base differs, or the delta was tampered with. */
  | 'wrong_content';

/** A delta or a signature that is malformed, or does not lead to the content that was declared for it. */
export class DeltaError extends Error {
  override readonly name = 'DeltaError';
  readonly code: DeltaErrorCode;

  constructor(code: DeltaErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const kernelErrors = new Map<number, [DeltaErrorCode, string]>([
  [ERROR_MALFORMED, ['malformed', 'the delta holds a number or a table that no encoder writes']],
  [ERROR_OUTPUT, ['output_beyond_size', 'an instruction writes past the declared size']],
  [ERROR_COPY, ['copy_outside_base', 'a COPY leaves the base']],
  [ERROR_INSTRUCTIONS, ['too_many_instructions', 'the delta has more instructions than a block can need']],
  [ERROR_LITERALS, ['malformed', 'the literals are not as many as the instructions take']],
  [ERROR_CORRECTIONS, ['malformed', 'the corrections are not as many as the copied bytes take']],
  [ERROR_TRAILING, ['malformed', 'the delta is cut off, or bytes follow its end']],
]);

/** The error for a code of codec/kernel/errors.ts. */
export function kernelError(code: number): DeltaError {
  const [name, message] = kernelErrors.get(code)!;
  return new DeltaError(name, message);
}
