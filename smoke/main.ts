import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { awsReasonOf } from '../cli/aws-reason.ts';
import { trust } from '../client/service/config.ts';
import { checklist } from './checklist.ts';
import { apiUrlOf } from './stack.ts';
import { type StepResult, smoke } from './steps.ts';

const help = `Walks once through a deployed service and says what that proves. Exit code 0 when every step went well.

  npm run smoke -- --stack TidemarkApi --user NAME       the stack of the deployment, by your AWS credentials
  npm run smoke -- --url https://… --user NAME           its output ApiUrl

  --ca FILE    PEM of a private CA to trust as well
  --json       the results as one line of JSON at the end

The password is read from TIDEMARK_PASSWORD, and for a user with a second factor the key of his authenticator from
TIDEMARK_TOTP_KEY: the text that 'tidemark login' or 'tidemark mfa' showed. Take a user made for this: two devices
appear and are revoked.`;

const { values } = parseArgs({
  options: {
    stack: { type: 'string' },
    url: { type: 'string' },
    user: { type: 'string' },
    ca: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(help);
} else {
  await main().catch((error: unknown) => {
    console.error(awsReasonOf(error));
    process.exitCode = 2;
  });
}

async function main(): Promise<void> {
  const { stack, url: given, user: username, ca } = values;
  const { TIDEMARK_PASSWORD: password, TIDEMARK_TOTP_KEY: totpKey } = process.env;
  if ((stack === undefined) === (given === undefined))
    throw new Error('give either --stack or --url; --help says more');
  if (!username || !password) throw new Error('give --user NAME and the password in TIDEMARK_PASSWORD');
  if (ca !== undefined) trust(await readFile(ca, 'utf8'));
  const url = (given ?? (await apiUrlOf(stack!))).replace(/\/+$/, '');

  console.log(`smoke test of ${url}`);
  const results: StepResult[] = [];
  for await (const result of smoke({ url, username, password, ...(totpKey && { totpKey }) })) {
    results.push(result);
    const { step, ms, detail, failure } = result;
    console.log(
      `  ${failure === undefined ? 'ok    ' : 'FAILED'} ${step.padEnd(16)} ${`${ms} ms`.padStart(9)}  ${failure ?? detail}`,
    );
  }
  const items = checklist(results);
  console.log('\nwhat only AWS can prove:');
  if (isLoopback(url)) console.log('  (this ran on your own machine, so nothing of it is proven about an account)');
  for (const { what, verdict, look } of items) {
    console.log(`  ${verdict.padEnd(6)} ${what}${look === undefined ? '' : `\n         ${look}`}`);
  }
  if (values.json) console.log(JSON.stringify({ url, results, checklist: items }));
  if (results.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
