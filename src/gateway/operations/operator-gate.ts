/** The door of `/admin/…`: only requests that are sealed with the cluster key, for this node, now, and for the first time. */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { CodedError, type ErrorCode, errorTable } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { parseStrictJson } from '../../protocol/json-scan.ts';
import { compileSerializer, compileValidator } from '../http/validation.ts';
import { isSealedBody, isSealedWith, readSeal } from './operator-seal.ts';

export interface OperatorGateOptions {
  readonly key: Uint8Array;
  readonly node: number;
  readonly clock: Clock;
}

export interface OperatorRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly text: string;
}

export class OperatorGate {
  readonly node: number;
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  /** What an earlier life of this node has heard is forgotten, and so is refused as a whole. */
  readonly #startedMs: number;
  /** Numbers that were used, oldest first, with the time after which their seals are refused for their age. */
  readonly #used = new Map<string, number>();

  constructor({ key, node, clock }: OperatorGateOptions) {
    this.node = node;
    this.#key = key;
    this.#clock = clock;
    this.#startedMs = clock.wallMs();
  }

  get timeMs(): number {
    return this.#clock.wallMs();
  }

  /** Null: let in, with the body that the seal is over (`checkBody`). A seal is good once. */
  check({ authorization, ...request }: OperatorRequest): Refusal | null {
    const seal = readSeal(authorization);
    if (seal === null) return refusal('AUTH_REQUIRED', 'This request must be sealed with the cluster key.');
    const sealed = { ...request, node: this.node, timeMs: seal.timeMs, nonce: seal.nonce };
    if (!isSealedWith(this.#key, sealed, seal)) {
      return refusal('DENIED', 'The seal is not of this cluster’s key, or not for this request.');
    }
    const nowMs = this.#clock.wallMs();
    const isOld = seal.timeMs < Math.max(nowMs - limits.operatorSealMs, this.#startedMs);
    if (isOld || seal.timeMs > nowMs + limits.operatorSealMs) {
      return refusal('DENIED', 'The seal is of another time.');
    }
    this.#forget(nowMs);
    if (this.#used.has(seal.nonce)) return refusal('DENIED', 'The seal was used before.');
    if (this.#used.size >= limits.operatorSeals) return refusal('BUSY', errorTable.BUSY.text);
    this.#used.set(seal.nonce, nowMs + 2 * limits.operatorSealMs);
    return null;
  }

  /** Of a request that was let in: whether its body is the one that was sealed. */
  checkBody(authorization: string | undefined, body: Uint8Array): Refusal | null {
    const seal = readSeal(authorization);
    if (seal !== null && isSealedBody(seal, body)) return null;
    return refusal('DENIED', 'The seal is over another body.');
  }

  #forget(nowMs: number): void {
    for (const [nonce, untilMs] of this.#used) {
      if (untilMs >= nowMs) return;
      this.#used.delete(nonce);
    }
  }
}

/**
 * Routes that only operators may use. Nothing of a body is read before the seal is known to be good; it comes as bytes then, since the
 * seal is over what was sent, not over what it means. What is refused is a code and a text.
 */
export function addOperatorRoutes(
  app: FastifyInstance,
  gate: OperatorGate,
  logger: Logger,
  add: (scope: FastifyInstance) => void,
): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    const refuse = async (reply: FastifyReply, refused: Refusal | null): Promise<void> => {
      if (refused === null) return;
      // What else comes on this connection would be the rest of that request.
      await reply.code(errorTable[refused.code].http).header('connection', 'close').send(refused);
    };
    scope.addHook('onRequest', async ({ method, url: path, headers: { authorization } }, reply) =>
      refuse(reply, gate.check({ method, path, authorization })),
    );
    scope.addHook('preValidation', async (request, reply) => {
      const bytes = bytesOf(request.body);
      const refused = gate.checkBody(request.headers.authorization, bytes);
      if (refused !== null) return refuse(reply, refused);
      request.body = parseStrictJson(Buffer.from(bytes).toString('utf8'));
    });
    scope.setValidatorCompiler(compileValidator);
    scope.setSerializerCompiler(compileSerializer);
    scope.setErrorHandler((error: FastifyError | CodedError, request, reply) => {
      const refused = refusalOf(error);
      if (refused.code === 'INTERNAL') {
        logger.error({ request: request.id, cause: error.message }, 'an HTTP request failed');
      }
      return reply.code(errorTable[refused.code].http).send(refused);
    });
    add(scope);
  });
}

function refusalOf(error: FastifyError | CodedError): Refusal {
  if (error instanceof CodedError) return refusal(error.code, error.message);
  const { statusCode = 500 } = error;
  if (statusCode === 413) return refusal('TOO_LARGE', 'The body is too large.');
  if (statusCode < 500) return refusal('BAD_REQUEST', error.message);
  return refusal('INTERNAL', errorTable.INTERNAL.text);
}

function bytesOf(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array(0);
}

function refusal(code: ErrorCode, text: string): Refusal {
  return { code, text };
}
