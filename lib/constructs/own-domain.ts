import { CfnOutput } from 'aws-cdk-lib';
import { ApiMapping, DomainName, type IApi, type IStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IDistribution } from 'aws-cdk-lib/aws-cloudfront';
import { ARecord, HostedZone, type IAliasRecordTarget, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { ApiGatewayv2DomainProperties, CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import { Construct } from 'constructs';
import type { OwnDomain } from '../profiles/deployment.ts';

interface ApiDomainProps {
  readonly domain: OwnDomain;
  /** Before the domain: `api` of api.sync.example.com. */
  readonly prefix: 'api' | 'socket';
  readonly api: IApi;
  readonly stage: IStage;
}

/** A name of one's own for an API. Devices know the API by it, so that they go on when the API is another. */
export class ApiDomain extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, { domain, prefix, api, stage }: ApiDomainProps) {
    super(scope, id);
    this.name = `${prefix}.${domain.name}`;
    const domainName = new DomainName(this, 'Name', {
      domainName: this.name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificate),
    });
    new ApiMapping(this, 'Mapping', { api, domainName, stage });
    const { regionalDomainName, regionalHostedZoneId } = domainName;
    pointTo(this, domain, this.name, new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId));
    new CfnOutput(scope, `${id}Target`, { value: regionalDomainName });
  }
}

/** The name of the CDN, as an alias where there is a hosted zone. */
export function nameCdn(scope: Construct, domain: OwnDomain, distribution: IDistribution): string {
  const name = cdnName(domain);
  pointTo(new Construct(scope, 'CdnName'), domain, name, new CloudFrontTarget(distribution));
  return name;
}

export function cdnName({ name }: OwnDomain): string {
  return `cdn.${name}`;
}

/** Makes the record, where the zone is Route 53's; else the outputs say what a CNAME has to point to. */
function pointTo(scope: Construct, { hostedZone }: OwnDomain, name: string, target: IAliasRecordTarget): void {
  if (!hostedZone) return;
  const zone = HostedZone.fromHostedZoneAttributes(scope, 'Zone', { hostedZoneId: hostedZone, zoneName: name });
  new ARecord(scope, 'Record', { zone, recordName: `${name}.`, target: RecordTarget.fromAlias(target) });
}
