import { RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type Context, flag, text } from './context.ts';
import type { Profile } from './profile.ts';
import { profileNamed } from './profiles.ts';
import { type ServedClient, servedClientFrom } from './served-client.ts';
import { type SignIn, signInFrom } from './sign-in.ts';
import { validated } from './validate-profile.ts';

/** What tells one deployment from another of the same profile; by `--context` or cdk.json. */
export interface Deployment {
  /** Begins the names of its stacks, and of what AWS wants to be named apart: `name`, default `Tidemark`. */
  readonly name: string;
  readonly profile: Profile;
  /** Availability zones by name: `zones=us-east-1a,us-east-1c`. @default - the first that the region lists */
  readonly zones?: readonly string[];
  /** Whether AWS refuses to delete database, users and stacks: `protected=true`, once the first deployment stands. */
  readonly isProtected: boolean;
  /** Who gets alarms by mail: `alarmEmail=`. @default - who subscribes to the topic */
  readonly alarmEmail?: string;
  /** Names of one's own, by which devices know the service. @default - those that AWS gives */
  readonly domain?: OwnDomain;
  readonly signIn: SignIn;
  /** US dollars a month of the deployment's resources above which he gets a mail: `budget=`. @default - no budget */
  readonly budget?: number;
  /** @default - users get a client elsewhere */
  readonly client?: ServedClient;
}

/** `domain=` and what belongs to it. The APIs are `api.` and `socket.` of it, the CDN is `cdn.` */
export interface OwnDomain {
  readonly name: string;
  /** ARN of a certificate in the region of the service, for both APIs: `certificate=`. */
  readonly certificate: string;
  /** ARN of a certificate in us-east-1, for the CDN: `cdnCertificate=`. */
  readonly cdnCertificate: string;
  /** Id of the zone of Route 53 that gets the records: `hostedZone=`. @default - they are made by hand */
  readonly hostedZone?: string;
}

/** The name of the deployment that a construct belongs to. */
export function deploymentName(scope: Construct): string {
  return scope.node.tryGetContext('name') ?? 'Tidemark';
}

/**
 * Reads a deployment from the context.
 * @throws Error that says which key is wrong and how it has to look
 */
export function deploymentFrom(context: Context): Deployment {
  const name =
    text(context, 'name', /^[A-Za-z][A-Za-z0-9]{0,29}$/, 'a letter and up to 29 letters or digits') ?? 'Tidemark';
  const zones = text(context, 'zones', /^[a-z0-9-]+(,[a-z0-9-]+)*$/, 'names such as us-east-1a,us-east-1c')?.split(',');
  const isProtected = flag(context, 'protected', false);
  const keeps = flag(context, 'keep', true);
  const profileName = context('profile') ?? 'team';
  const named = profileNamed(profileName, context('clusters'));
  const withZones = zones ? { ...named, zones: zones.length } : named;
  const profile = validated(
    String(profileName),
    keeps ? withZones : { ...withZones, removalPolicy: RemovalPolicy.DESTROY },
  );
  if (zones && new Set(zones).size < zones.length) throw new Error(`zones is "${zones}": name each zone once.`);
  if (isProtected && profile.removalPolicy === RemovalPolicy.DESTROY) {
    throw new Error('protected=true keeps what is to be destroyed: give it with a profile that keeps its data.');
  }
  const alarmEmail = text(context, 'alarmEmail', /^[^\s@]+@[^\s@]+$/, 'an address');
  const budget = text(context, 'budget', /^[1-9]\d*$/, 'whole dollars a month');
  const domain = domainFrom(context);
  const client = servedClientFrom(context);
  if (budget && !alarmEmail) throw new Error('budget needs somebody who is told: give alarmEmail too.');
  return {
    name,
    profile,
    isProtected,
    signIn: signInFrom(context, name),
    ...(zones && { zones }),
    ...(alarmEmail && { alarmEmail }),
    ...(domain && { domain }),
    ...(client && { client }),
    ...(budget && { budget: Number(budget) }),
  };
}

function domainFrom(context: Context): OwnDomain | undefined {
  const certificateArn = (region: string) => new RegExp(`^arn:[\\w-]+:acm:${region}:\\d{12}:certificate/[\\w-]+$`);
  const name = text(context, 'domain', /^[a-z0-9-]+(\.[a-z0-9-]+)+$/, 'a name such as sync.example.com');
  const certificate = text(context, 'certificate', certificateArn('[\\w-]+'), 'the ARN of a certificate of ACM');
  const cdnCertificate = text(context, 'cdnCertificate', certificateArn('us-east-1'), 'the ARN of one in us-east-1');
  const hostedZone = text(context, 'hostedZone', /^Z[A-Z0-9]+$/, 'the id of a zone of Route 53');
  if (!name && !certificate && !cdnCertificate && !hostedZone) return undefined;
  if (name && certificate && cdnCertificate) {
    return { name, certificate, cdnCertificate, ...(hostedZone && { hostedZone }) };
  }
  throw new Error('A domain takes three keys of the context: domain, certificate and cdnCertificate.');
}
