import type { Server } from 'node:net';
import { CodedError } from '../../base/errors.ts';

/** Binds. Resolves with the port (0 takes a free one); rejects with `CodedError` PORT_IN_USE, or the platform's error. */
export async function listen(server: Server, host: string, port: number, what: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => reject(portError(error, host, port, what));
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

export function portError(error: Error, host: string, port: number, what: string): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error;
  const why = {
    EADDRINUSE: 'is in use by another process',
    EACCES: 'may not be used by this user',
    EADDRNOTAVAIL: 'is not an address of this machine',
  }[code];
  return new CodedError('PORT_IN_USE', `${what}: ${host}:${port} ${why}`, { cause: error });
}
