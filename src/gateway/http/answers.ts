/** The three outcomes of a request as answers of HTTP: a receipt is returned, the other two are thrown as errors of the one table. */
import type { FastifyReply } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import type { Numbering } from '../../chat/vocabulary/types.ts';
import type { ClientRequest, Reply, Success } from '../../protocol/requests.ts';
import type { ConnectionContext } from '../connections/context.ts';
import type { Service } from '../requests/service.ts';
import { LaterError } from './problems.ts';

export type Answer<Op> = Extract<Success, { readonly op: Op }>;

/** What was asked, from the service. Throws `CodedError`. */
export class Asker {
  readonly #service: Pick<Service, 'execute'>;

  constructor(service: Pick<Service, 'execute'>) {
    this.#service = service;
  }

  async ask<Op extends Success['op'] & ClientRequest['op']>(
    reply: FastifyReply,
    context: ConnectionContext,
    request: ClientRequest & { readonly op: Op },
    numbering: Numbering | null = null,
  ): Promise<Answer<Op>> {
    const answer = await this.#service.execute(context, request, numbering);
    const success = received(answer);
    if (answer.kind === 'receipt' && answer.stale === true) void reply.header('conclave-stale', 'true');
    if (!isOf(success, request.op)) throw new CodedError('INTERNAL');
    return success;
  }
}

export function received(reply: Reply): Success {
  if (reply.kind === 'receipt') return reply.value;
  throw refusalOf(reply);
}

/** What is thrown for what did not, or may not have happened. */
export function refusalOf(reply: Exclude<Reply, { readonly kind: 'receipt' }>): CodedError {
  if (reply.kind === 'unknown') return new CodedError('UNKNOWN_OUTCOME', reply.text);
  const { code, text, retryAfterMs } = reply;
  return retryAfterMs === undefined ? new CodedError(code, text) : new LaterError(code, text, retryAfterMs);
}

function isOf<Op extends Success['op']>(success: Success, op: Op): success is Answer<Op> {
  return success.op === op;
}
