/** Requests to the operations endpoints of a cluster: sealed with the cluster key, to one node after the other until one can answer. */
import { randomBytes } from 'node:crypto';
import { CodedError, type ErrorCode, errorTable } from '../../base/errors.ts';
import type { HttpCaller, HttpRequest, ServerAddress } from '../../client/index.ts';
import { sealRequest } from '../../gateway/operations/operator-seal.ts';

const helloMs = 1_500;
/** An operation ends within five seconds on the node. */
const answerMs = 8_000;
/** Nothing moves for so long while a long answer is read: whoever takes it may be slow, too. */
const stalledMs = 120_000;
const largestAnswer = 1024 * 1024;
/** Beyond it a seal would be good for too long, or never. */
const largestSkewMs = 300_000;

export type Answer =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly text: string }
  /** It was sent, and nobody said what became of it. */
  | { readonly kind: 'unknown'; readonly text: string }
  /** No node answered, or none knows a leader: it did not happen. */
  | { readonly kind: 'unreachable'; readonly text: string };

export interface OperatorRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** Asked only when no other one can answer. */
  readonly last?: number | undefined;
  /** Nobody else is asked. */
  readonly only?: ServerAddress;
}

interface Found {
  readonly address: ServerAddress;
  readonly node: number;
  readonly timeMs: number;
}

export class OperatorClient {
  readonly #key: Uint8Array;
  readonly #http: HttpCaller;
  #addresses: readonly ServerAddress[];

  constructor(addresses: readonly ServerAddress[], key: Uint8Array, http: HttpCaller) {
    this.#addresses = addresses;
    this.#key = key;
    this.#http = http;
  }

  /** Further nodes of the cluster, as one of them names them. */
  learn(addresses: readonly ServerAddress[]): void {
    const known = new Set(this.#addresses.map(textOf));
    this.#addresses = [...this.#addresses, ...addresses.filter((address) => !known.has(textOf(address)))];
  }

  /** A request that may be repeated: it is a read, or it carries a tag. */
  async ask(request: OperatorRequest): Promise<Answer> {
    const addresses = request.only === undefined ? this.#addresses : [request.only];
    const greeted = await Promise.all(addresses.map((address) => this.#greet(address)));
    const found = greeted.flatMap((node) => (node === null ? [] : [node]));
    found.sort((a, b) => Number(a.node === request.last) - Number(b.node === request.last));
    let outcome: Answer = { kind: 'unreachable', text: 'No node can be reached.' };
    for (const node of found) {
      const answer = await this.#askOne(node, request);
      if (answer.kind === 'done') return answer;
      // Once it may have happened, or may be asked by another node still, a later refusal says nothing about that.
      if (outcome.kind === 'unknown') continue;
      if (answer.kind === 'refused' && answer.code !== 'UNAVAILABLE') return answer;
      outcome = answer;
    }
    return outcome.kind === 'refused' ? { kind: 'unreachable', text: outcome.text } : outcome;
  }

  /** A long answer, piece by piece; from the first node that gives one. Null: `receive` had all of it. */
  async read(
    path: string,
    receive: (pieces: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<Exclude<Answer, { kind: 'done' }> | null> {
    const greeted = await Promise.all(this.#addresses.map((address) => this.#greet(address)));
    let refusal: Exclude<Answer, { kind: 'done' }> = { kind: 'unreachable', text: 'No node can be reached.' };
    for (const found of greeted) {
      if (found === null) continue;
      const answer = await this.#askOne(found, { method: 'GET', path }, receive);
      if (answer.kind === 'done') return null;
      refusal = answer;
    }
    return refusal;
  }

  async #askOne(
    { address, node, timeMs }: Found,
    request: OperatorRequest,
    receive?: HttpRequest['receive'],
  ): Promise<Answer> {
    const { method, path, body } = request;
    if (Math.abs(timeMs - Date.now()) > largestSkewMs) {
      throw new CodedError(
        'USAGE',
        `The clock of node ${node} and this one differ by more than five minutes.`,
      );
    }
    const bytes = body === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(body));
    const nonce = randomBytes(16).toString('hex');
    const authorization = sealRequest(this.#key, { method, path, body: bytes, node, timeMs, nonce });
    try {
      const answer = await this.#http.call(address, {
        method,
        path,
        headers: { authorization },
        ...(body === undefined ? {} : { body: bytes }),
        idleMs: receive === undefined ? answerMs : stalledMs,
        mostBytes: largestAnswer,
        ...(receive === undefined ? {} : { receive }),
      });
      if (receive !== undefined && answer.status === 200) return { kind: 'done', value: null };
      return answerOf(answer.status, jsonIn(answer.body));
    } catch (error) {
      // What `receive` says is wrong is not the node's word.
      if (error instanceof CodedError) throw error;
      return { kind: 'unknown', text: `Node ${node}: ${reasonOf(error)}` };
    }
  }

  async #greet(address: ServerAddress): Promise<Found | null> {
    try {
      const value = jsonIn((await get(this.#http, address, '/admin/hello', helloMs)).body);
      if (typeof value !== 'object' || value === null || !('node' in value) || !('timeMs' in value))
        return null;
      const { node, timeMs } = value;
      return typeof node === 'number' && typeof timeMs === 'number' ? { address, node, timeMs } : null;
    } catch {
      // Whatever is wrong with this node, another one may answer.
      return null;
    }
  }
}

export function get(
  http: HttpCaller,
  address: ServerAddress,
  path: string,
  idleMs: number,
  headers: Readonly<Record<string, string>> = {},
): ReturnType<HttpCaller['call']> {
  return http.call(address, { method: 'GET', path, headers, idleMs, mostBytes: largestAnswer });
}

/** Throws SyntaxError. */
export function jsonIn(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body).toString('utf8'));
}

function answerOf(status: number, value: unknown): Answer {
  if (status === 200) return { kind: 'done', value };
  const isError = typeof value === 'object' && value !== null && 'code' in value;
  const code = isError ? String(value.code) : '';
  const text = isError && 'text' in value ? String(value.text) : `The node answered ${status}.`;
  if (!isCode(code)) return { kind: 'refused', code: 'INTERNAL', text };
  return code === 'UNKNOWN_OUTCOME' ? { kind: 'unknown', text } : { kind: 'refused', code, text };
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

export function textOf({ host, port }: ServerAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}
