import { get, type IncomingMessage } from 'node:http';
import { get as secureGet } from 'node:https';
import { plainTrust, type Trust } from '../../src/tls/trust.ts';
import { TrustedAgent } from '../../src/tls/trusted-agent.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const bodyBytes = 1024 * 1024;

/** Null when nothing (whole) answers within the time: not listening, killed meanwhile, or stopped. A connection of its own each time. */
export function httpGet(
  port: number,
  path: string,
  timeoutMs = 1_000,
  trust: Trust = plainTrust,
): Promise<HttpAnswer | null> {
  return new Promise((resolve) => {
    const answered = (response: IncomingMessage): void => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > bodyBytes) request.destroy();
      });
      response.on('end', () => end({ status: response.statusCode ?? 0, body }));
      response.on('close', () => end(null));
      response.on('error', () => end(null));
    };
    const place = { host: '127.0.0.1', port, path };
    const request =
      trust.kind === 'plain'
        ? get({ ...place, agent: false }, answered)
        : secureGet({ ...place, agent: new TrustedAgent(trust) }, answered);
    const timer = setTimeout(() => request.destroy(), timeoutMs);
    const end = (answer: HttpAnswer | null): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    request.on('error', () => end(null));
    request.on('close', () => end(null));
  });
}
