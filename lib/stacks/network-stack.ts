import { Fn, type RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import {
  CfnSubnet,
  CfnVPC,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import type { Placement } from '../constructs/function.ts';
import type { Profile } from '../profiles/profile.ts';

interface NetworkStackProps extends StackProps {
  readonly profile: Profile;
  /** By name. @default - the first that the region lists */
  readonly zones?: readonly string[];
}

/** MSK's listener for clients that sign in with IAM. */
const brokerPort = Port.tcp(9098);
const https = Port.tcp(443);

/**
 * The private network: isolated subnets without NAT or internet gateway, so that nothing in it reaches more
 * than the database, the brokers and the endpoints below.
 */
export class NetworkStack extends Stack {
  readonly vpc: IVpc;
  readonly functionGroup: SecurityGroup;
  /** Of the brokers, and of the event pollers, which Lambda runs in the group of the cluster. */
  readonly brokerGroup: SecurityGroup;
  readonly #publisherGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { profile, zones, ...props }: NetworkStackProps) {
    super(scope, id, props);

    // The cast: Vpc spells an optional member of IVpc in a way that exactOptionalPropertyTypes tells apart.
    this.vpc = new Vpc(this, 'Vpc', {
      // Tokens unless the context names them: the zones of whatever region it is deployed to, without a look-up.
      availabilityZones: zones
        ? [...zones]
        : Array.from({ length: profile.zones }, (_, i) => Fn.select(i, Fn.getAzs())),
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
      // Emptying the default group takes a function with EC2 rights; no resource here uses that group.
      restrictDefaultSecurityGroup: false,
    }) as IVpc;
    this.#keepSubnets(profile.removalPolicy);
    acknowledge(this.vpc, {
      'AwsSolutions-VPC7':
        'Nothing enters or leaves but through the endpoints, whose calls CloudTrail records with the caller; flow logs cost $0.50 per GB.',
    });

    this.functionGroup = this.#group('Functions', 'Functions that talk to the database');
    this.#publisherGroup = this.#group('Publisher', 'The function that writes to the brokers');
    this.brokerGroup = this.#group('Brokers', 'Brokers and event pollers');
    this.brokerGroup.addIngressRule(this.brokerGroup, brokerPort, 'Event pollers run in the group of the cluster');
    this.brokerGroup.addIngressRule(this.#publisherGroup, brokerPort, 'The function that publishes');
    this.#interfaceEndpoints(profile);
  }

  /** For functions that run SQL. */
  get inside(): Placement {
    return this.#placement(this.functionGroup);
  }

  /** For the one function that also writes to the sync stream. */
  get publishing(): Placement {
    return this.#placement(this.functionGroup, this.#publisherGroup);
  }

  /** A database that is kept has a group of subnets. */
  #keepSubnets(policy: RemovalPolicy): void {
    for (const one of this.vpc.node.findAll()) {
      if (one instanceof CfnVPC || one instanceof CfnSubnet) one.applyRemovalPolicy(policy);
    }
  }

  #placement(...securityGroups: SecurityGroup[]): Placement {
    return { vpc: this.vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED }, securityGroups };
  }

  #group(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: this.vpc, description });
  }

  /** finalize and its kin wake relay; pollers on demand assume the role of their function and invoke it. */
  #interfaceEndpoints(profile: Profile): void {
    const group = this.#group('Endpoints', 'Interface endpoints');
    group.addIngressRule(this.functionGroup, https, 'Functions wake relay');
    const services = { Lambda: InterfaceVpcEndpointAwsService.LAMBDA };
    const onDemand = { ...services, Sts: InterfaceVpcEndpointAwsService.STS };
    if (!profile.stream.pollers) group.addIngressRule(this.brokerGroup, https, 'Event pollers');
    const subnets = { subnets: this.vpc.isolatedSubnets.slice(0, profile.endpointZones) };
    for (const [id, service] of Object.entries(profile.stream.pollers ? services : onDemand)) {
      this.vpc.addInterfaceEndpoint(id, { service, subnets, open: false, securityGroups: [group] });
    }
  }
}
