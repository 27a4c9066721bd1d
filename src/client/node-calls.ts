/**
 * HTTP requests to whichever node answers. Another than the leader first: the bytes of a file then leave the leader's connections alone.
 * A node that fails is left for the next one; when all have failed, there is a pause that grows.
 */
import type { Clock } from '../base/clock.ts';
import { type ErrorCode, errorTable } from '../base/errors.ts';
import type { Random } from '../base/prng.ts';
import type { HttpAnswer, HttpCaller, HttpRequest } from './ports.ts';
import { backOffMs, type ServerAddress, sameAddress } from './server-pool.ts';
import type { Session } from './types.ts';

export interface NodeCallsOptions {
  readonly http: HttpCaller;
  readonly clock: Clock;
  readonly random: Random;
  /** Of the nodes known now, the best first. */
  readonly addresses: () => readonly ServerAddress[];
  readonly session: () => Session;
  /** Without any success for so long, the transfer is given up. */
  readonly giveUpMs: number;
  readonly closed: () => boolean;
}

/** A node understood and said no; asking again, or elsewhere, does not help. */
export class CallRefused extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, text: string) {
    super(text);
    this.name = 'CallRefused';
    this.code = code;
  }
}

const smallAnswerBytes = 1_048_576;
const idleMs = 20_000;

export type Call = Pick<HttpRequest, 'method' | 'path' | 'body'> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly mostBytes?: number;
};

export class NodeCalls {
  readonly #options: NodeCallsOptions;
  #current: ServerAddress | null = null;
  /** In a row, over all calls of the transfer. */
  #failures = 0;
  /** Refusals in a row for want of disk space. */
  #fullNodes = 0;
  #servedMs: number;

  constructor(options: NodeCallsOptions) {
    this.#options = options;
    this.#servedMs = options.clock.monotonicMs();
  }

  /** Repeats until a node has answered with success. Rejects `CallRefused`. To be used where repetition is harmless. */
  async call(call: Call): Promise<HttpAnswer> {
    const { clock } = this.#options;
    for (;;) {
      const address = this.#address();
      const answer = await this.#try(address, call);
      if (answer !== null) {
        const refusal = refusalIn(answer);
        if (refusal === null) {
          this.#servedMs = clock.monotonicMs();
          this.#failures = 0;
          this.#fullNodes = 0;
          return answer;
        }
        if (!errorTable[refusal.code].retry || this.#lacksRoom(refusal)) throw refusal;
      }
      await this.#failed(address);
    }
  }

  async #try(address: ServerAddress | null, call: Call): Promise<HttpAnswer | null> {
    if (address === null) return null;
    const { http, session } = this.#options;
    const { id, secret } = session();
    const headers = { authorization: `Bearer ${id}.${secret}`, ...call.headers };
    const request = { ...call, headers, idleMs, mostBytes: call.mostBytes ?? smallAnswerBytes };
    // Why it failed does not matter: the answer is the same.
    return http.call(address, request).catch(() => null);
  }

  /** One full disk is left for another node; when all are full, waiting is the user's decision. */
  #lacksRoom({ code }: CallRefused): boolean {
    this.#fullNodes = code === 'LOW_SPACE' ? this.#fullNodes + 1 : 0;
    return this.#fullNodes > 2 * this.#options.addresses().length;
  }

  #address(): ServerAddress | null {
    const known = this.#options.addresses();
    const current = this.#current;
    if (current === null || !known.some((address) => sameAddress(address, current))) {
      this.#current = known[0] ?? null;
    }
    return this.#current;
  }

  /** Calls run side by side: only the first that meets a dead node moves the others on. */
  async #failed(address: ServerAddress | null): Promise<void> {
    const { clock, random, addresses, giveUpMs, closed } = this.#options;
    if (closed()) throw new CallRefused('UNAVAILABLE', 'The client is closed.');
    if (clock.monotonicMs() - this.#servedMs > giveUpMs) {
      throw new CallRefused('UNAVAILABLE', errorTable.UNAVAILABLE.text);
    }
    const known = addresses();
    if (address !== null && this.#current !== null && sameAddress(address, this.#current)) {
      this.#failures += 1;
      const place = known.findIndex((candidate) => sameAddress(candidate, address));
      this.#current = known[(place + 1) % Math.max(1, known.length)] ?? null;
    }
    const rounds = Math.floor(this.#failures / Math.max(1, known.length));
    const pauseMs = backOffMs(rounds + 1, random);
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
  }
}

function refusalIn({ status, body }: HttpAnswer): CallRefused | null {
  if (status >= 200 && status < 300) return null;
  const { code, detail } = problemIn(body);
  if (code !== null) return new CallRefused(code, detail ?? errorTable[code].text);
  return status >= 500 || status === 429
    ? new CallRefused('BUSY', errorTable.BUSY.text)
    : new CallRefused('BAD_REQUEST', `The node answered ${status}.`);
}

function problemIn(body: Uint8Array): { readonly code: ErrorCode | null; readonly detail: string | null } {
  try {
    const problem: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof problem !== 'object' || problem === null) return { code: null, detail: null };
    const code = 'code' in problem && isErrorCode(problem.code) ? problem.code : null;
    const detail = 'detail' in problem && typeof problem.detail === 'string' ? problem.detail : null;
    return { code, detail };
  } catch {
    return { code: null, detail: null };
  }
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value);
}
