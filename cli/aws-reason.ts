import { messageOf } from './reason.ts';

/** Why a call of AWS failed before it was one, and what to do then; other reasons as they are. */
export function awsReasonOf(error: unknown): string {
  if (messageOf(error) === 'Region is missing') {
    return 'no region of AWS is given: set AWS_REGION, or AWS_PROFILE to a profile that names one';
  }
  if (error instanceof Error && error.name === 'CredentialsProviderError') {
    return `no credentials of AWS (${error.message}): sign in as for every AWS tool ('aws sso login', 'aws configure'), or set AWS_PROFILE`;
  }
  return messageOf(error);
}
