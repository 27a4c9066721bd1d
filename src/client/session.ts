/** What a session is made of, and how it introduces itself to a node. */
import { type Hello, nativeVersion } from '../protocol/native.ts';
import type { Secrets } from './ports.ts';
import type { Session } from './types.ts';

export function newSession(secrets: Secrets): Session {
  return { id: secrets.hex(16), secret: secrets.hex(32) };
}

/** `after`: the log index of the last event that came; undefined for none. `name`: program and version. */
export function helloOf(
  { id, secret }: Session,
  after: number | undefined,
  name: string | undefined,
): string {
  const hello: Hello = {
    op: 'hello',
    v: nativeVersion,
    session: id,
    secret,
    ...(after === undefined ? {} : { after }),
    ...(name === undefined ? {} : { client: name }),
  };
  return JSON.stringify(hello);
}
