import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { ApiStack } from './api-stack.ts';
import { BlocksStack } from './blocks-stack.ts';
import { IdentityStack } from './identity-stack.ts';
import { MaintenanceStack } from './maintenance-stack.ts';
import { MetadataStack } from './metadata-stack.ts';
import { NetworkStack } from './network-stack.ts';
import { NotificationStack } from './notification-stack.ts';
import { OperationsStack } from './operations-stack.ts';
import { profileNamed } from './profiles.ts';
import { signingKeyNames } from './signing-key.ts';
import { StreamStack } from './stream-stack.ts';
import { webAclArn } from './web-acl.ts';

/**
 * All stacks of one deployment, in the size of the context key `profile` (default `team`), with as many database clusters
 * as the key `clusters` says (default: the profile's). None is bound to an account or a region, so that synthesis needs
 * neither credentials nor a network. It fails on what CloudFormation would refuse (a flag in cdk.json) and on every
 * finding of cdk-nag that no construct acknowledges with a reason.
 */
export function createStacks(app: App): void {
  const profile = profileNamed(app.node.tryGetContext('profile') ?? 'team', app.node.tryGetContext('clusters'));
  const signingKeys = signingKeyNames(app.node.tryGetContext('signingKeys'));
  const webAcl = webAclArn(app.node.tryGetContext('webAcl'));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  const network = new NetworkStack(app, 'TidemarkNetwork', { profile });
  const identity = new IdentityStack(app, 'TidemarkIdentity', { profile });
  const stream = new StreamStack(app, 'TidemarkStream', { profile, network });
  const metadata = new MetadataStack(app, 'TidemarkMetadata', { profile, network });
  const blocks = new BlocksStack(app, 'TidemarkBlocks', { profile, signingKeys, ...(webAcl && { webAcl }) });
  const notification = new NotificationStack(app, 'TidemarkNotification', { profile, stream });
  const maintenance = new MaintenanceStack(app, 'TidemarkMaintenance', { profile, network, metadata, stream, blocks });
  const api = new ApiStack(app, 'TidemarkApi', {
    profile,
    network,
    identity,
    metadata,
    blocks,
    notification,
    maintenance,
  });
  new OperationsStack(app, 'TidemarkOperations', { profile, metadata, stream, notification, maintenance, api });
}
