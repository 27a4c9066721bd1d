/**
 * Every request over HTTP has an id: the one that it came with, so that a log can be followed through whatever stands in front of the nodes, or one of
 * our own. It goes back in the answer and stands in each line about the request. Lines name the route, never the address as it was asked: that
 * may hold what is nobody's business.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../../base/logger.ts';

export const requestIdHeader = 'x-request-id';
/** What others give us is bounded, and can be nothing but a name: it is written into the log. */
const acceptable = /^[A-Za-z0-9._:-]{1,64}$/;

export function requestIdOf(raw: Pick<IncomingMessage, 'headers'>): string {
  const given = raw.headers[requestIdHeader];
  return typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
}

/** To be called before any route is added. */
export function logRequests(app: FastifyInstance, logger: Logger): void {
  app.addHook('onRequest', async (request, reply) => {
    void reply.header(requestIdHeader, request.id);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { id, method, ip, routeOptions } = request;
    const { statusCode: status, elapsedTime } = reply;
    const route = routeOptions.url ?? '(none)';
    const line = { request: id, method, route, status, ms: Math.round(elapsedTime), from: ip };
    // What operators do is worth a line each; what people do, only for who looks for something.
    // A node that is not ready says so to whoever asks, again and again: that is an answer, no failure.
    if (status >= 500 && route !== '/readyz') logger.warn(line, 'HTTP');
    else if (route.includes('/admin/') && route !== '/admin/hello') logger.info(line, 'HTTP');
    else logger.debug(line, 'HTTP');
  });
}
