import { isObject } from '../json.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

/** API Gateway's own answers, such as {"message":"Not Found"}. */
export function plainMessage(status: number, message: string, headers: Record<string, string> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify({ message })),
  };
}

/** Reads a function's answer in payload format 2.0; undefined where API Gateway would answer 500 for it. */
export function parseResponse(payload: Buffer): HttpResponse | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(answer) || answer.statusCode === undefined) {
    // The inferred form: whatever the function returned is the body of a 200.
    const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) };
  }
  const status = Number(answer.statusCode);
  const body = answer.body ?? '';
  const isWrong = !Number.isInteger(status) || status < 100 || status > 599 || typeof body !== 'string';
  if (isWrong || (answer.headers !== undefined && !isObject(answer.headers))) return undefined;
  const given = Object.entries(isObject(answer.headers) ? answer.headers : {});
  const headers = Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), String(value)]));
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      ...headers,
      ...(Array.isArray(answer.cookies) && { 'set-cookie': answer.cookies.map(String) }),
    },
    body: Buffer.from(body, answer.isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}
