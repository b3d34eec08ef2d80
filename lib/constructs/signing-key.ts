import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { PublicKey } from 'aws-cdk-lib/aws-cloudfront';
import { Grant } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Profile } from '../profiles/profile.ts';
import { acknowledge } from './acknowledge.ts';
import { TidemarkFunction } from './function.ts';
import { grantReadSecret } from './grants.ts';

/** The key that signs and the one that is trusted beside it, by name. */
export type SigningKeyNames = readonly [current: string, other: string];

/**
 * Reads the context key `signingKeys`, two names such as `A,B`.
 * @throws Error that says how it has to look
 */
export function signingKeyNames(value: unknown): SigningKeyNames {
  const [current, other, ...more] = String(value).split(',');
  const areNames = [current, other].every((name) => name !== undefined && /^[A-Z]$/.test(name));
  if (areNames && current !== other && more.length === 0) return [current!, other!];
  throw new Error(`signingKeys is ${JSON.stringify(value)}: name two different keys by a capital letter, like "A,B".`);
}

interface SigningKeyProps {
  readonly profile: Profile;
}

/**
 * An ECDSA P-256 pair made at deployment. The private key never leaves Secrets Manager but for the function
 * that signs; the template sees the public one only.
 */
export class SigningKey extends Construct {
  readonly secret: Secret;
  readonly publicKey: PublicKey;

  constructor(scope: Construct, id: string, { profile }: SigningKeyProps) {
    super(scope, id);
    const { stackName, region } = Stack.of(this);
    this.secret = new Secret(this, 'PrivateKey', { description: 'Signs the URLs of downloads' });
    acknowledge(this.secret, {
      'AwsSolutions-SMG4': 'Two keys are trusted, and a deployment changes over: a timer would break URLs in flight.',
    });

    const signingKey = new TidemarkFunction(this, 'SigningKey', {
      profile,
      memorySize: 256,
      timeout: Duration.seconds(60),
      environment: { CDN_KEY_SECRET: this.secret.secretArn },
    });
    grantReadSecret(signingKey, this.secret);
    // grantWrite would also let it change the secret itself, its encryption key for instance.
    Grant.addToPrincipal({
      grantee: signingKey,
      actions: ['secretsmanager:PutSecretValue'],
      resourceArns: [this.secret.secretArn],
    });

    const pair = new CustomResource(this, 'Pair', {
      serviceToken: signingKey.functionArn,
      resourceType: 'Custom::SigningKey',
      serviceTimeout: Duration.minutes(3),
    });
    pair.node.addDependency(signingKey);
    this.publicKey = new PublicKey(this, 'PublicKey', {
      // CloudFront knows this name in all regions of the account.
      publicKeyName: `${stackName}-${id}-${region}`,
      encodedKey: pair.getAttString('PublicKey'),
    });
  }
}
