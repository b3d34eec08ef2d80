import { createHash, randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createQueue, readIfExists, writeAtomic } from '../files.ts';
import { ACCOUNT, type Provider, REGION } from '../types.ts';
import type { Access } from './access.ts';
import { AwsError } from './errors.ts';
import { sendJson } from './http.ts';
import { type ApiCall, type JsonApi, operationOf, parseMembers, unknownOperation } from './json-api.ts';

interface Version {
  readonly id: string;
  readonly secretString: string;
  readonly stages: readonly string[];
  /** Milliseconds since 1970. */
  readonly created: number;
}

interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly versions: readonly Version[];
}

export interface Secrets {
  readonly api: JsonApi;
  readonly providers: Readonly<Record<string, Provider>>;
  /** The current text of a secret. @throws AwsError ResourceNotFoundException */
  read(id: string): string;
  /** Replaces `{{resolve:secretsmanager:<arn>:SecretString:<key>…}}` in a template's value. */
  resolve(value: string): string;
}

interface GenerateSecretString {
  readonly SecretStringTemplate?: string;
  readonly GenerateStringKey?: string;
  readonly PasswordLength?: number;
  readonly ExcludeCharacters?: string;
  readonly ExcludePunctuation?: boolean;
}

function generate(options: GenerateSecretString): string {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
  const alphabet = options.ExcludePunctuation ? letters : `${letters}!#$%&()*+,-.:;<=>?[]^_{|}~`;
  const allowed = [...alphabet].filter((character) => !options.ExcludeCharacters?.includes(character));
  const password = Array.from({ length: options.PasswordLength ?? 32 }, () => allowed[randomInt(allowed.length)]).join(
    '',
  );
  if (!options.GenerateStringKey) return password;
  return JSON.stringify({ ...JSON.parse(options.SecretStringTemplate ?? '{}'), [options.GenerateStringKey]: password });
}

/** A new current version; the one before becomes AWSPREVIOUS and older ones are dropped. */
function withVersion(secret: Secret, secretString: string, id: string): Secret {
  const current = secret.versions.find((version) => version.stages.includes('AWSCURRENT'));
  const previous = current ? [{ ...current, stages: ['AWSPREVIOUS'] }] : [];
  return { ...secret, versions: [{ id, secretString, stages: ['AWSCURRENT'], created: Date.now() }, ...previous] };
}

/** The version with that stage and that id; the current one where neither is named. */
function pick(secret: Secret, stage: unknown, id: unknown): Version {
  const wanted = stage ?? (id === undefined ? 'AWSCURRENT' : undefined);
  const version = secret.versions.find(
    (v) => (wanted === undefined || v.stages.includes(String(wanted))) && (id === undefined || v.id === id),
  );
  if (version) return version;
  const label = wanted === undefined ? `VersionId: ${id}` : `staging label: ${wanted}`;
  const message = `Secrets Manager can't find the specified secret value for ${label}`;
  throw new AwsError('ResourceNotFoundException', message);
}

/** Secrets by ARN, one file each under `<data>/secrets`. */
class Store {
  readonly #data: string;
  readonly #secrets = new Map<string, Secret>();
  readonly #inTurn = createQueue();

  constructor(data: string) {
    this.#data = data;
  }

  /** By ARN or name. */
  find(id: unknown): Secret {
    const secret = this.#secrets.get(String(id)) ?? [...this.#secrets.values()].find(({ name }) => name === id);
    if (!secret) throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return secret;
  }

  /** A secret as the last run left it, or a new one with the text that `initial` gives, if any. */
  async open(arn: string, name: string, initial: () => unknown): Promise<void> {
    const stored = await readIfExists(this.#file(name));
    if (stored !== undefined) {
      this.#secrets.set(arn, JSON.parse(stored) as Secret);
      return;
    }
    const secret = { arn, name, versions: [] };
    const text = initial();
    await this.#save(text === undefined ? secret : withVersion(secret, String(text), randomUUID()));
  }

  /** A version never changes: a token that comes again may only bring the same value again. */
  put(arn: string, text: string, token: string): Promise<void> {
    return this.#inTurn(async () => {
      const secret = this.find(arn);
      const known = secret.versions.find(({ id }) => id === token);
      if (!known) return await this.#save(withVersion(secret, text, token));
      if (known.secretString === text) return;
      const message = `You can't modify a secret version: a version with the token ${token} already exists.`;
      throw new AwsError('ResourceExistsException', message);
    });
  }

  #file(name: string): string {
    return join(this.#data, 'secrets', `${encodeURIComponent(name)}.json`);
  }

  async #save(secret: Secret): Promise<void> {
    await writeAtomic(this.#file(secret.name), JSON.stringify(secret));
    this.#secrets.set(secret.arn, secret);
  }
}

/** Secrets Manager over one file per secret under `<data>/secrets`, readable by this user only. */
export function createSecrets(data: string, access: Access): Secrets {
  const store = new Store(data);
  const read = (id: string): string => pick(store.find(id), 'AWSCURRENT', undefined).secretString;
  return {
    read,
    resolve: (value) =>
      value.replace(/\{\{resolve:secretsmanager:(.+?):SecretString:(.*?):.*?\}\}/g, (_, id: string, key: string) => {
        const text = read(id);
        return key === '' ? text : String((JSON.parse(text) as Record<string, unknown>)[key]);
      }),
    api: { service: 'secretsmanager', handle: (call) => answer(store, access, call) },
    providers: {
      'AWS::SecretsManager::Secret': async ({ properties, physicalName }) => {
        const name = String(properties.Name ?? physicalName);
        const suffix = createHash('sha256').update(name).digest('hex').slice(0, 6);
        const arn = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-${suffix}`;
        const { SecretString, GenerateSecretString } = properties;
        await store.open(
          arn,
          name,
          () => SecretString ?? (GenerateSecretString && generate(GenerateSecretString as GenerateSecretString)),
        );
        return { ref: arn, attributes: { Id: arn } };
      },
      'AWS::SecretsManager::SecretTargetAttachment': ({ properties }) => ({
        ref: String(properties.SecretId),
        attributes: {},
      }),
    },
  };
}

async function answer(store: Store, access: Access, { request, response, principal, body }: ApiCall): Promise<void> {
  const operation = operationOf(request);
  const members = parseMembers(body);
  if (operation !== 'GetSecretValue' && operation !== 'PutSecretValue') {
    throw unknownOperation('Secrets Manager', operation);
  }
  const secret = store.find(members.SecretId);
  access.demand(principal, `secretsmanager:${operation}`, secret.arn);
  if (operation === 'PutSecretValue') {
    if (typeof members.SecretString !== 'string') {
      throw new AwsError('InvalidParameterException', 'The local Secrets Manager stores a SecretString.');
    }
    await store.put(secret.arn, members.SecretString, String(members.ClientRequestToken ?? randomUUID()));
  }
  const id = operation === 'PutSecretValue' ? undefined : members.VersionId;
  const version = pick(store.find(secret.arn), members.VersionStage, id);
  const common = { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: version.stages };
  const value = { SecretString: version.secretString, CreatedDate: version.created / 1000 };
  const headers = { 'content-type': 'application/x-amz-json-1.1' };
  sendJson(response, 200, operation === 'GetSecretValue' ? { ...common, ...value } : common, headers);
}
