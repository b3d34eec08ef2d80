import type { ServerResponse } from 'node:http';
import { escapeXml } from '../errors.ts';

/** An element of an answer in XML: text, members by name, or a list whose entries are all called the same. */
export type Element = string | readonly Element[] | { readonly [name: string]: Element };

/** The members of a call of the query protocol. */
export function formOf(body: Buffer): URLSearchParams {
  return new URLSearchParams(body.toString());
}

/** @param entry what the entries of lists are called */
export function sendXml(response: ServerResponse, root: string, content: Element, entry = 'item'): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${toXml(content, entry)}</${root}>`;
  response.writeHead(200, { 'content-type': 'text/xml' }).end(body);
}

function toXml(content: Element, entry: string): string {
  if (typeof content === 'string') return escapeXml(content);
  const named = Array.isArray(content)
    ? content.map((one) => [entry, one] as const)
    : Object.entries(content as { readonly [name: string]: Element });
  return named.map(([name, one]) => `<${name}>${toXml(one, entry)}</${name}>`).join('');
}
