/** The adapter to the platform for files: HTTP requests on connections that are kept for the next one, and SHA-256. */
import { createHash } from 'node:crypto';
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { plainTrust, type Trust } from '../tls/trust.ts';
import { TrustedAgent } from '../tls/trusted-agent.ts';
import type { Digest, HttpAnswer, HttpCaller, HttpRequest } from './ports.ts';
import type { ServerAddress } from './server-pool.ts';

const connectionsPerNode = 4;
const keepIdleMs = 5_000;
const pool = { keepAlive: true, maxSockets: connectionsPerNode, timeout: keepIdleMs } as const;

export const httpCaller: HttpCaller = callerFor(plainTrust);

/** Over TLS unless `trust` is plain. */
export function callerFor(trust: Trust): HttpCaller {
  if (trust.kind === 'plain') {
    const agent = new Agent(pool);
    return {
      call: (address, asked) =>
        call(address, asked, (options, answered) => request({ ...options, agent }, answered)),
    };
  }
  const agent = new TrustedAgent(trust, pool);
  return {
    call: (address, asked) =>
      call(address, asked, (options, answered) => secureRequest({ ...options, agent }, answered)),
  };
}

type Begin = (options: RequestOptions, answered: (answer: IncomingMessage) => void) => ClientRequest;

function call({ host, port }: ServerAddress, asked: HttpRequest, begin: Begin): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { method, path, body, idleMs, mostBytes } = asked;
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const type = body === undefined ? {} : { 'content-type': 'application/octet-stream' };
    const headers = { ...asked.headers, ...type, ...length };
    const sent = begin({ host, port, method, path, headers }, (answer) => {
      if (asked.receive !== undefined && answer.statusCode === 200) {
        asked
          .receive(answer)
          .then(() => resolve({ status: 200, body: new Uint8Array(0) }))
          .catch((error: unknown) => {
            answer.destroy();
            reject(error);
          });
        return;
      }
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      answer.on('data', (piece: Uint8Array) => {
        bytes += piece.length;
        pieces.push(piece);
        if (bytes > mostBytes) answer.destroy(new Error('the answer is too long'));
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces) }));
      answer.on('error', reject);
      answer.on('aborted', () => reject(new Error('the answer broke off')));
    });
    sent.setTimeout(idleMs, () => sent.destroy(new Error('no answer in time')));
    sent.on('error', reject);
    sent.end(body);
  });
}

export const systemDigest: Digest = {
  sha256: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
};
