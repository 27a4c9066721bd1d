import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { MemberAnswer, MemberAsk, MemberReply, MemberWish } from '../formats/member-asks.ts';
import type { ChangeOutcome } from '../ports/engine.ts';
import type { Route } from '../requests/proposals.ts';

/** An ask without an answer was lost, or its answer was. */
const ASK_AGAIN_MS = 500;
const MAX_OPEN = 16;

interface OpenRequest {
  readonly tag: string;
  wish: MemberWish;
  readonly deadlineMs: number;
  readonly outcome: Promise<ChangeOutcome>;
  readonly resolve: (outcome: ChangeOutcome) => void;
  /** Waiting for an answer until then. */
  awaitedUntilMs: number;
  /** A leader may have it in its log. */
  mayBeAppended: boolean;
}

export interface MemberRequestsOptions {
  readonly clock: Clock;
  readonly nextTag: () => string;
  /** Who is to be asked, in which term; null: nobody now. */
  readonly route: () => Route | null;
  readonly handle: (ask: MemberAsk) => MemberReply;
  readonly send: (node: number, ask: MemberAsk) => boolean;
}

/**
 * Wishes about members of this node's callers: asked of whoever leads, again and again, until the leader says how it ended or the time is
 * over. A wish keeps its tag, so that asking again is harmless.
 */
export class MemberRequests {
  readonly #options: MemberRequestsOptions;
  readonly #open = new Map<string, OpenRequest>();
  #closed = false;

  constructor(options: MemberRequestsOptions) {
    this.#options = options;
  }

  ask(wish: MemberWish, tag = this.#options.nextTag()): Promise<ChangeOutcome> {
    if (this.#closed) return Promise.resolve(unavailable);
    const waiting = this.#open.get(tag);
    if (waiting !== undefined) return waiting.outcome;
    if (this.#open.size >= MAX_OPEN) return Promise.resolve(busy);
    let resolve: (outcome: ChangeOutcome) => void = () => undefined;
    const outcome = new Promise<ChangeOutcome>((settle) => {
      resolve = settle;
    });
    const deadlineMs = this.#options.clock.monotonicMs() + limits.operationMs;
    const request = { tag, wish, deadlineMs, outcome, resolve, awaitedUntilMs: 0, mayBeAppended: false };
    this.#open.set(tag, request);
    this.#send(request);
    return outcome;
  }

  answered({ tag, ...reply }: MemberAnswer): void {
    const request = this.#open.get(tag);
    if (request !== undefined) this.#take(request, reply);
  }

  tick(nowMs: number): void {
    for (const request of [...this.#open.values()]) {
      if (nowMs >= request.deadlineMs) this.#end(request, request.mayBeAppended ? unknown : unavailable);
      else if (nowMs >= request.awaitedUntilMs) this.#send(request);
    }
  }

  leaderChanged(): void {
    for (const request of this.#open.values()) request.awaitedUntilMs = 0;
  }

  /** This node was removed: whoever asked for that has it. */
  removed(node: number): void {
    for (const request of [...this.#open.values()]) {
      if (request.wish.kind === 'remove' && request.wish.node === node) this.#end(request, { kind: 'done' });
    }
  }

  close(): void {
    this.#closed = true;
    for (const request of [...this.#open.values()]) {
      this.#end(request, request.mayBeAppended ? unknown : unavailable);
    }
  }

  #send(request: OpenRequest): void {
    const { route, handle, send, clock } = this.#options;
    const to = route();
    if (to === null) return;
    const { tag, wish } = request;
    const ask: MemberAsk = { tag, term: to.term, wish };
    if (to.kind === 'own') {
      this.#take(request, handle(ask));
      return;
    }
    if (!send(to.node, ask)) return;
    request.mayBeAppended = true;
    request.awaitedUntilMs = clock.monotonicMs() + ASK_AGAIN_MS;
  }

  #take(request: OpenRequest, reply: MemberReply): void {
    switch (reply.kind) {
      case 'done':
        this.#end(request, { kind: 'done' });
        return;
      case 'refused':
        // By the leader of a term, which has applied all earlier ones: no earlier ask can take effect any more.
        this.#end(request, reply);
        return;
      case 'wait':
        request.mayBeAppended = true;
        request.awaitedUntilMs = 0;
        // It was open who is to lead, and is not any more.
        if (reply.heir !== undefined) request.wish = { kind: 'transfer', node: reply.heir };
        return;
      case 'elsewhere':
        request.awaitedUntilMs = 0;
        return;
      default:
        reply satisfies never;
    }
  }

  #end(request: OpenRequest, outcome: ChangeOutcome): void {
    this.#open.delete(request.tag);
    request.resolve(outcome);
  }
}

const unknown: ChangeOutcome = { kind: 'unknown' };
const busy: ChangeOutcome = {
  kind: 'refused',
  code: 'BUSY',
  text: 'Too many changes are waiting already.',
};
const unavailable: ChangeOutcome = {
  kind: 'refused',
  code: 'UNAVAILABLE',
  text: 'No leader, try again.',
};
