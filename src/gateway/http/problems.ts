/** Errors of the HTTP API as RFC 9457 problem details, with the codes of the one table. */
import type { FastifyError, FastifyReply } from 'fastify';
import { CodedError, type ErrorCode, errorTable } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';

const retryAfterSeconds = 1;

/** With the time after which the same may be asked again. */
export class LaterError extends CodedError {
  readonly retryAfterMs: number;

  constructor(code: ErrorCode, text: string, retryAfterMs: number) {
    super(code, text);
    this.retryAfterMs = retryAfterMs;
  }
}

export function sendProblem(
  reply: FastifyReply,
  code: ErrorCode,
  detail: string = errorTable[code].text,
  status: number = errorTable[code].http,
) {
  const { text, retry } = errorTable[code];
  if (retry && !reply.hasHeader('retry-after')) void reply.header('retry-after', retryAfterSeconds);
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="conclave"');
  return reply
    .code(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', title: text, status, code, detail });
}

/** Whatever a handler, a validation or the parsing of a body ended with. */
export function answerError(error: FastifyError | CodedError, reply: FastifyReply, logger: Logger) {
  if (error instanceof LaterError) void reply.header('retry-after', Math.ceil(error.retryAfterMs / 1_000));
  if (error instanceof CodedError) return sendProblem(reply, error.code, error.message);
  const { statusCode = 500 } = error;
  if (statusCode === 413) return sendProblem(reply, 'TOO_LARGE', 'The body is too large.');
  if (statusCode < 500) return sendProblem(reply, 'BAD_REQUEST', error.message);
  logger.error({ request: reply.request.id, cause: error.message }, 'an HTTP request failed');
  return sendProblem(reply, 'INTERNAL');
}
