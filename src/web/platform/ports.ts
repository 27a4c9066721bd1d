/** The browser's end of the client library's ports: sockets, secrets, requests over HTTP, digests. */
import type { Dialer, Digest, HttpAnswer, HttpCaller, HttpRequest, Secrets } from '../../client/ports.ts';
import type { ServerAddress } from '../../client/server-pool.ts';

/** Over TLS exactly when the page itself came over TLS: browsers refuse anything else. */
export function dialerOf(isSecure: boolean): Dialer {
  return {
    dial(address, listener) {
      const socket = new WebSocket(`${isSecure ? 'wss' : 'ws'}://${hostOf(address)}/ws`);
      socket.onopen = () => listener.opened();
      socket.onmessage = (event: MessageEvent<unknown>) => listener.received(String(event.data));
      // A browser does not say why. Every failure ends here, and nowhere else.
      socket.onclose = ({ code }) => listener.closed(code === 1006 ? 'connection lost' : `closed (${code})`);
      return {
        send(text) {
          if (socket.readyState === WebSocket.OPEN) socket.send(text);
        },
        close: () => socket.close(),
      };
    },
  };
}

export const browserSecrets: Secrets = {
  hex: (bytes) => hexOf(crypto.getRandomValues(new Uint8Array(bytes))),
};

/** Browsers offer it to pages from HTTPS or the own machine only. */
export const browserDigest: Digest = {
  async sha256(bytes) {
    return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))));
  },
};

export function callerOf(isSecure: boolean): HttpCaller {
  return {
    call: (address, request) => call(`${isSecure ? 'https' : 'http'}://${hostOf(address)}`, request),
  };
}

async function call(origin: string, request: HttpRequest): Promise<HttpAnswer> {
  const { method, path, body, idleMs, mostBytes } = request;
  const type = body === undefined ? {} : { 'content-type': 'application/octet-stream' };
  const answer = await fetch(`${origin}${path}`, {
    method,
    headers: { ...request.headers, ...type },
    body: body === undefined ? null : new Uint8Array(body),
    credentials: 'omit',
    redirect: 'error',
    // A page sees no byte of a body leave: the whole gets the time of several silences.
    signal: AbortSignal.timeout(3 * idleMs),
  });
  return { status: answer.status, body: await bodyOf(answer, mostBytes) };
}

async function bodyOf(answer: Response, mostBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = answer.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    bytes += next.value.length;
    if (bytes > mostBytes) {
      await reader?.cancel();
      throw new Error('the answer is too long');
    }
    pieces.push(next.value);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

function hostOf({ host, port }: ServerAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
