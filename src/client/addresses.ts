import { CodedError } from '../base/errors.ts';
import type { ServerAddress } from './server-pool.ts';

/** `HOST:PORT,HOST:PORT…`; an IPv6 host stands in brackets. Throws CodedError USAGE that names the part. */
export function parseAddresses(text: string): ServerAddress[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseAddress);
}

function parseAddress(text: string): ServerAddress {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new CodedError('USAGE', `"${text}" is not HOST:PORT`);
  }
  return { host, port };
}
