import { createServer } from 'node:net';

/**
 * Below the range from which the system picks ports by itself (32768 up on Linux): a port that is free while its node is down must not
 * become the local port of some outgoing connection, least of all of a peer that dials that very port, which then talks to itself.
 */
const lowest = 12_000;
const highest = 32_000;

/** `count` different ports of 127.0.0.1 that nobody listens on now. Another program may still take one before it is used. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > 100 + 10 * count) throw new Error(`no ${count} free ports between ${lowest} and ${highest}`);
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
