import type { App } from 'aws-cdk-lib';
import { ApiStack } from './api-stack.ts';
import { BlocksStack } from './blocks-stack.ts';
import { IdentityStack } from './identity-stack.ts';
import { MaintenanceStack } from './maintenance-stack.ts';
import { MetadataStack } from './metadata-stack.ts';
import { NetworkStack } from './network-stack.ts';
import { NotificationStack } from './notification-stack.ts';
import { profileNamed, withClusters } from './profiles.ts';
import { signingKeyNames } from './signing-key.ts';
import { StreamStack } from './stream-stack.ts';

/**
 * All stacks of one deployment, in the size of the context key `profile` (default `team`), with as many database clusters as
 * the key `clusters` says (default: the profile's). None is bound to an
 * account or a region, so that synthesis needs neither credentials nor a network.
 */
export function createStacks(app: App): void {
  const named = profileNamed(app.node.tryGetContext('profile') ?? 'team');
  const clusters: unknown = app.node.tryGetContext('clusters');
  const profile = clusters === undefined ? named : withClusters(named, clusters);
  const signingKeys = signingKeyNames(app.node.tryGetContext('signingKeys'));
  const network = new NetworkStack(app, 'TidemarkNetwork', { profile });
  const identity = new IdentityStack(app, 'TidemarkIdentity', { profile });
  const stream = new StreamStack(app, 'TidemarkStream', { profile, network });
  const metadata = new MetadataStack(app, 'TidemarkMetadata', { profile, network });
  const blocks = new BlocksStack(app, 'TidemarkBlocks', { profile, signingKeys });
  const notification = new NotificationStack(app, 'TidemarkNotification', { profile, stream });
  const maintenance = new MaintenanceStack(app, 'TidemarkMaintenance', { profile, network, metadata, stream, blocks });
  new ApiStack(app, 'TidemarkApi', { profile, network, identity, metadata, blocks, notification, maintenance });
}
