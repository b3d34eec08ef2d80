import { attributesOf, readSettings } from '../../../local/aws/cognito/settings.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Deployment } from '../deployment.ts';
import { isForPagesAlone } from './sign-in.ts';

/** Of a day: the unit of the templates. */
const MINUTES = 24 * 60;
/** A client of Cognito may write all standard attributes unless it names those that it may. */
const everything = ['email'];

/**
 * Why an administrator could not make a user of that name, or somebody else take him over.
 * @param name what the documents tell users to sign in with
 */
export function userProblems({ resources }: Deployment, name: string): string[] {
  const refused = resources('AWS::Cognito::UserPool').flatMap(({ path, properties }) => {
    try {
      attributesOf(readSettings(properties), name);
      return [];
    } catch (error) {
      return [`${path} takes no user ${name}: ${(error as Error).message}`];
    }
  });
  const writable = resources('AWS::Cognito::UserPoolClient').filter(
    ({ properties }) =>
      ((properties.WriteAttributes as string[] | undefined) ?? everything).includes('email') &&
      !isForPagesAlone(properties),
  );
  const short = resources('AWS::Cognito::UserPoolClient').filter(
    ({ properties }) => Number(properties.RefreshTokenValidity) < limits.signInDays * MINUTES,
  );
  return [
    ...refused,
    ...short.map(({ path }) => `${path}: a device stops when its refresh token ends, and nobody notices`),
    ...writable.map(
      ({ path }) => `${path}: who steals an access token can change the user's address, and so his password`,
    ),
  ];
}
