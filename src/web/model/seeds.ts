/** The nodes that a page knows before it has spoken with any: its own, and those that stood in it when it was served. */
import type { ServerAddress } from '../../client/server-pool.ts';

/** `origins`: with blanks between them; several of one node where it has several names. The page's own name for a node is preferred. */
export function seedsOf(own: ServerAddress, origins: string): readonly ServerAddress[] {
  const found = new Map([[placeOf(own), own]]);
  for (const origin of origins.split(' ')) {
    const url = URL.parse(origin);
    if (url === null) continue;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const address = { host, port: Number(url.port) || standardPort(url.protocol) };
    const place = placeOf(address);
    const known = found.get(place);
    if (known === undefined || (host === own.host && known.host !== own.host)) found.set(place, address);
  }
  return [...found.values()];
}

export function standardPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80;
}

/** The own machine has several names, and on it a port is a node. */
function placeOf({ host, port }: ServerAddress): string {
  const isOwnMachine = host === 'localhost' || host === '::1' || host.startsWith('127.');
  return `${isOwnMachine ? 'own machine' : host.toLowerCase()} ${port}`;
}
