import { STATUS_CODES } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Fault } from './http-proxy.ts';

/** The request is processed, and its answer never arrives: the connection is reset. */
export const loseAnswer: Fault = async ({ ask, response }) => {
  await ask();
  response.socket?.destroy();
};

/** The request never arrives: the connection is reset. */
export const loseRequest: Fault = ({ response }) => response.socket?.destroy();

/** The request is processed, and only half of the answer's body arrives. */
export const cutAnswer: Fault = async ({ ask, response }) => {
  const { status, headers, body } = await ask();
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.write(body.subarray(0, body.length / 2), () => response.socket?.destroy());
};

/** Nothing comes in answer, and the connection stays. */
export const hang: Fault = () => undefined;

/** The request is processed, the answer begins and then stands still. */
export const hangAnswer: Fault = async ({ ask, response }) => {
  const { status, headers, body } = await ask();
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.write(body.subarray(0, body.length / 2));
};

/** The request arrives twice, and the device gets the second answer. */
export const repeat: Fault = async ({ ask, reply }) => {
  await ask();
  reply(await ask());
};

/** The answer comes so much later than the service gave it. */
export const late =
  (milliseconds: number): Fault =>
  async ({ ask, reply }) => {
    const answer = await ask();
    await sleep(milliseconds);
    reply(answer);
  };

/** Somebody answers in place of the service. */
export const answer =
  (status: number, body: unknown = STATUS_CODES[status] ?? '', headers: Answer['headers'] = {}): Fault =>
  ({ reply }) => {
    const json = typeof body !== 'string';
    const type = json ? 'application/json' : 'text/plain';
    reply({
      status,
      headers: { 'content-type': type, ...headers },
      body: Buffer.from(json ? JSON.stringify(body) : body),
    });
  };

const page = '<!doctype html><html><title>Welcome</title><body>Accept the terms of this network.</body></html>';

/** A page in place of the answer, as a portal or a filtering proxy gives it. */
export const html = (status = 200): Fault => answer(status, page, { 'content-type': 'text/html' });

/** Sends the device elsewhere. */
export const redirect = (location: string): Fault => answer(302, '', { location });

/** For a WebSocket: it opens, and falls after a while. */
export const fall =
  (milliseconds: number): Fault =>
  async ({ ask, request }) => {
    await ask();
    setTimeout(() => request.socket.destroy(), milliseconds);
  };
