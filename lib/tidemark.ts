import { type App, type StackProps, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import { signingKeyNames } from './constructs/signing-key.ts';
import { webAclArn } from './constructs/web-acl.ts';
import { maxConnections } from './profiles/aurora.ts';
import { deploymentFrom } from './profiles/deployment.ts';
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
 * All stacks of one deployment, as the context says (lib/profiles/deployment.ts). None is bound to an account or a region, so that synthesis needs
 * neither credentials nor a network. It fails on what CloudFormation would refuse (a flag in cdk.json) and on every
 * finding of cdk-nag that no construct acknowledges with a reason.
 */
export function createStacks(app: App): void {
  const { name, profile, zones, isProtected, alarmEmail, budget, client, domain, signIn } = deploymentFrom((key) =>
    app.node.tryGetContext(key),
  );
  const signingKeys = signingKeyNames(app.node.tryGetContext('signingKeys'));
  const webAcl = webAclArn(app.node.tryGetContext('webAcl'));
  const stack: StackProps = { terminationProtection: isProtected, tags: { service: name.toLowerCase() } };
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
  const network = new NetworkStack(app, `${name}Network`, { ...stack, profile, ...(zones && { zones }) });
  const identity = new IdentityStack(app, `${name}Identity`, { ...stack, profile, isProtected, signIn });
  const stream = new StreamStack(app, `${name}Stream`, { ...stack, profile, network });
  const metadata = new MetadataStack(app, `${name}Metadata`, { ...stack, profile, network, isProtected });
  const blocks = new BlocksStack(app, `${name}Blocks`, {
    ...stack,
    profile,
    signingKeys,
    ...(webAcl && { webAcl }),
    ...(domain && { domain }),
    ...(client && { client }),
  });
  const notification = new NotificationStack(app, `${name}Notification`, {
    ...stack,
    profile,
    stream,
    ...(domain && { domain }),
  });
  const maintenance = new MaintenanceStack(app, `${name}Maintenance`, {
    ...stack,
    profile,
    network,
    metadata,
    stream,
    blocks,
    identity,
  });
  const { relay, gc, undelivered } = maintenance;
  const api = new ApiStack(app, `${name}Api`, {
    ...stack,
    profile,
    placement: network.inside,
    identity,
    metadata,
    blocks,
    notification,
    relay,
    ...(domain && { domain }),
  });
  new OperationsStack(app, `${name}Operations`, {
    ...stack,
    api,
    accessLog: api.accessLog,
    sockets: notification,
    background: { notify: notification.notify, relay, gc },
    undelivered,
    notifyBacklog: stream.lagOf(notification.consumerGroup),
    gcBacklog: stream.lagOf(maintenance.consumerGroup),
    brokers: stream.brokerFigures,
    clusters: metadata.clusters,
    maxConnections: maxConnections(profile.metadata),
    ...(alarmEmail && { alarmEmail }),
    ...(budget && { budget }),
  });
}
