/**
 * Reads the context key `webAcl`: the ARN of an AWS WAF list for the CDN, which has to be in us-east-1 whatever the
 * region of the service. There is none for the HTTP API: AWS WAF does not work with HTTP APIs.
 * @throws Error that says how it has to look
 */
export function webAclArn(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (/^arn:[\w-]+:wafv2:us-east-1:\d{12}:global\/webacl\/[\w-]+\/[\w-]+$/.test(String(value))) return String(value);
  throw new Error(
    `webAcl is ${JSON.stringify(value)}: give the ARN of a list with the scope CLOUDFRONT, arn:aws:wafv2:us-east-1:ACCOUNT:global/webacl/NAME/ID.`,
  );
}
