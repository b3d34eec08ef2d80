import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webAclArn } from '../../lib/constructs/web-acl.ts';
import { deploymentIn, deploymentOf } from './deployment.ts';
import { synthesize } from './synthesis.ts';

const arn = 'arn:aws:wafv2:us-east-1:000000000000:global/webacl/tidemark/11111111-1111-4111-8111-111111111111';

test('a firewall stands before the CDN where the context names one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-web-acl-'));
  synthesize('dev', folder, { context: { webAcl: arn } });
  const webAcls = (deployment: ReturnType<typeof deploymentOf>) =>
    deployment
      .resources('AWS::CloudFront::Distribution')
      .map(({ properties }) => (properties.DistributionConfig as { WebACLId?: string }).WebACLId);
  expect([webAcls(deploymentOf('dev')), webAcls(deploymentIn(folder))]).toEqual([[undefined], [arn]]);
  rmSync(folder, { recursive: true });
}, 60_000);

test('a list of another region or kind is refused, with how it has to look', () => {
  const regional = 'arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/tidemark/1';
  expect(() => webAclArn(regional)).toThrow(
    /webAcl is .*eu-west-1.*: give the ARN of a list with the scope CLOUDFRONT/,
  );
});
