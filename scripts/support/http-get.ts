import { get } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const bodyBytes = 1024 * 1024;

/** Null when nothing (whole) answers within the time: not listening, killed meanwhile, or stopped. A connection of its own each time. */
export function httpGet(port: number, path: string, timeoutMs = 1_000): Promise<HttpAnswer | null> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > bodyBytes) request.destroy();
      });
      response.on('end', () => end({ status: response.statusCode ?? 0, body }));
      response.on('close', () => end(null));
      response.on('error', () => end(null));
    });
    const timer = setTimeout(() => request.destroy(), timeoutMs);
    const end = (answer: HttpAnswer | null): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    request.on('error', () => end(null));
    request.on('close', () => end(null));
  });
}
