import { CustomResource, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { migrationFiles } from '../constructs/bundle.ts';
import { Database } from '../constructs/database.ts';
import type { DatabaseCluster } from '../constructs/database-cluster.ts';
import { TidemarkFunction } from '../constructs/function.ts';
import { grantReadSecret } from '../constructs/grants.ts';
import type { Profile } from '../profiles/profile.ts';
import type { NetworkStack } from './network-stack.ts';

interface MetadataStackProps extends StackProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
  readonly isProtected: boolean;
}

/** The metadata database with its users and its schema. */
export class MetadataStack extends Stack {
  readonly #database: Database;
  readonly #schema: CustomResource;

  constructor(scope: Construct, id: string, { profile, network, isProtected, ...props }: MetadataStackProps) {
    super(scope, id, props);
    const key = this.#createKey(profile);
    this.#database = new Database(this, 'Database', { profile, network, isProtected, key });
    const users = this.#createUsers(profile);
    this.#schema = this.#migrate(profile, network);
    this.#schema.node.addDependency(...users, this.#database);
  }

  get clusters(): readonly DatabaseCluster[] {
    return this.#database.clusters;
  }

  /** Lets a function run SQL. CloudFormation makes the function after the migrations of the same deployment. */
  connect(fn: TidemarkFunction): void {
    this.#database.connect(fn, 'tidemark_app');
    fn.node.addDependency(this.#schema);
  }

  /** Lets a function run SQL as the owner of all schemas. */
  connectOwner(fn: TidemarkFunction): void {
    this.#database.connect(fn, 'tidemark_migrate');
    fn.node.addDependency(this.#schema);
  }

  #createKey({ removalPolicy }: Profile): Key {
    return new Key(this, 'Key', {
      description: 'Tidemark metadata: storage, backups and snapshots',
      enableKeyRotation: true,
      // After a deletion, until it cannot be taken back; it costs nothing meanwhile.
      pendingWindow: Duration.days(7),
      removalPolicy,
    });
  }

  #createUsers(profile: Profile): CustomResource[] {
    const { clusters, name } = this.#database;
    const databaseLogin = new TidemarkFunction(this, 'DatabaseLogin', {
      profile,
      memorySize: 256,
      timeout: Duration.seconds(120),
      environment: { DATABASE_NAME: name },
    });
    // grantDataApiAccess would add transactions and batches, which no statement of it needs.
    databaseLogin.addToRolePolicy(
      new PolicyStatement({
        actions: ['rds-data:ExecuteStatement'],
        resources: clusters.map(({ arn }) => arn),
      }),
    );
    for (const { masterSecret } of clusters) grantReadSecret(databaseLogin, masterSecret);

    return clusters.map(({ arn, masterSecret, node }) => {
      const users = new CustomResource(this, `UsersOf${node.id}`, {
        serviceToken: databaseLogin.functionArn,
        resourceType: 'Custom::DatabaseUsers',
        serviceTimeout: Duration.minutes(5),
        properties: { ClusterArn: arn, SecretArn: masterSecret.secretArn },
      });
      users.node.addDependency(this.#database, databaseLogin);
      return users;
    });
  }

  #migrate(profile: Profile, network: NetworkStack): CustomResource {
    const { path, hash } = migrationFiles();
    const migrate = new TidemarkFunction(this, 'Migrate', {
      profile,
      memorySize: 512,
      timeout: Duration.seconds(840),
      placement: network.inside,
      files: [path],
    });
    this.#database.connect(migrate, 'tidemark_migrate');

    const schema = new CustomResource(this, 'Schema', {
      serviceToken: migrate.functionArn,
      resourceType: 'Custom::DatabaseSchema',
      serviceTimeout: Duration.minutes(15),
      properties: { SqlHash: hash },
    });
    schema.node.addDependency(migrate);
    return schema;
  }
}
