import { Fn, Stack, type StackProps } from 'aws-cdk-lib';
import {
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { FunctionOptions } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Profile } from './profile.ts';

interface NetworkStackProps extends StackProps {
  readonly profile: Profile;
}

/** Where a function runs in the VPC. */
export type Placement = Pick<FunctionOptions, 'vpc' | 'vpcSubnets' | 'securityGroups'>;

/**
 * The private network: isolated subnets without NAT or internet gateway, so that nothing in it reaches more
 * than the database, the brokers and the endpoints below.
 */
export class NetworkStack extends Stack {
  readonly vpc: IVpc;
  readonly functionGroup: SecurityGroup;
  readonly publisherGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { profile, ...props }: NetworkStackProps) {
    super(scope, id, props);

    // The cast: Vpc spells an optional member of IVpc in a way that exactOptionalPropertyTypes tells apart.
    this.vpc = new Vpc(this, 'Vpc', {
      // Tokens: the zones of whatever region it is deployed to, without a look-up at synthesis.
      availabilityZones: Array.from({ length: profile.zones }, (_, zone) => Fn.select(zone, Fn.getAzs())),
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 }],
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
      // Emptying the default group takes a function with EC2 rights; no resource here uses that group.
      restrictDefaultSecurityGroup: false,
    }) as IVpc;

    // finalize and its kin wake relay through it; on-demand event pollers invoke their functions through it.
    this.#interfaceEndpoint('Lambda', InterfaceVpcEndpointAwsService.LAMBDA, profile);
    if (!profile.stream.pollers) this.#interfaceEndpoint('Sts', InterfaceVpcEndpointAwsService.STS, profile);

    this.functionGroup = new SecurityGroup(this, 'Functions', {
      vpc: this.vpc,
      description: 'Functions that talk to the database',
    });
    this.publisherGroup = new SecurityGroup(this, 'Publisher', {
      vpc: this.vpc,
      description: 'The function that writes to the brokers',
    });
  }

  /** For functions that run SQL. */
  get inside(): Placement {
    return this.#placement(this.functionGroup);
  }

  /** For the one function that also writes to the sync stream. */
  get publishing(): Placement {
    return this.#placement(this.functionGroup, this.publisherGroup);
  }

  #placement(...securityGroups: SecurityGroup[]): Placement {
    return { vpc: this.vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED }, securityGroups };
  }

  #interfaceEndpoint(id: string, service: InterfaceVpcEndpointAwsService, profile: Profile): void {
    const subnets = this.vpc.isolatedSubnets.slice(0, profile.endpointZones);
    this.vpc.addInterfaceEndpoint(id, { service, subnets: { subnets } });
  }
}
