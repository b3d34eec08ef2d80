import { type App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { signingKeyNames } from './constructs/signing-key.ts';
import { webAclArn } from './constructs/web-acl.ts';
import { maxConnections } from './profiles/aurora.ts';
import { profileNamed } from './profiles/profiles.ts';
import { ApiStack } from './stacks/api-stack.ts';
import { BlocksStack } from './stacks/blocks-stack.ts';
import { IdentityStack } from './stacks/identity-stack.ts';
import { MaintenanceStack } from './stacks/maintenance-stack.ts';
import { MetadataStack } from './stacks/metadata-stack.ts';
import { NetworkStack } from './stacks/network-stack.ts';
import { NotificationStack } from './stacks/notification-stack.ts';
import { OperationsStack } from './stacks/operations-stack.ts';
import { StreamStack } from './stacks/stream-stack.ts';

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
  const maintenance = new MaintenanceStack(app, 'TidemarkMaintenance', {
    profile,
    network,
    metadata,
    stream,
    blocks,
    identity,
  });
  const { relay, gc, undelivered } = maintenance;
  const api = new ApiStack(app, 'TidemarkApi', {
    profile,
    placement: network.inside,
    identity,
    metadata,
    blocks,
    notification,
    relay,
  });
  new OperationsStack(app, 'TidemarkOperations', {
    api,
    accessLog: api.accessLog,
    sockets: notification,
    background: { notify: notification.notify, relay, gc },
    undelivered,
    notifyBacklog: stream.lagOf(notification.consumerGroup),
    brokerDisks: stream.brokerDisks,
    clusters: metadata.clusters,
    maxConnections: maxConnections(profile.metadata),
  });
}
