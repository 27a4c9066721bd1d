/**
 * The log of administrative actions as a gateway keeps it: what is asked for is noted in the replicated state before it is done, and what
 * became of it before whoever asked is told.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { unreachable } from '../../base/assert.ts';
import { atMost } from '../../base/at-most.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, type ErrorCode } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { ActionActor } from '../../chat/vocabulary/administration-types.ts';
import type { Command, Result } from '../../chat/vocabulary/types.ts';
import type { Outcome } from '../../replication/ports/engine.ts';

export interface Action {
  readonly action: string;
  /** What it is done to. Shown to every administrator for long: nothing secret. */
  readonly subject: string;
  /** One of many requests for the same thing. */
  readonly joins?: boolean;
}

/** By the body, which has been checked. */
export type DescribeAction = (body: unknown) => Action;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a route that changes something, for the log of administrative actions. Left out: the action is the route's path. */
    describe?: DescribeAction;
  }
}

export type Begun =
  | { readonly kind: 'begun'; readonly number: number }
  /** The disks are too full for a line: what an operator does about that must not wait for it. This node's own log has it. */
  | { readonly kind: 'unnoted' }
  /** Nothing else may be done that is not noted. */
  | { readonly kind: 'refused'; readonly code: ErrorCode };

export interface ActionJournalOptions {
  readonly node: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
}

/** So long an answer waits for its line: the last member that goes may find nobody to note it. */
const endMs = 3_000;

export class ActionJournal {
  readonly #options: ActionJournalOptions;

  constructor(options: ActionJournalOptions) {
    this.#options = options;
  }

  async begin(by: ActionActor, { action, subject, joins = false }: Action): Promise<Begun> {
    const { node, logger, proposeOwn } = this.#options;
    const shown = {
      action: action.slice(0, limits.actionChars),
      subject: subject.slice(0, limits.actionSubjectChars),
    };
    logger.info({ by: by.kind === 'account' ? by.name : by.kind, ...shown }, 'an administrative action');
    const outcome = await proposeOwn({ kind: 'note-action', by, ...shown, node, joins });
    switch (outcome.kind) {
      case 'applied':
        if (!outcome.result.ok) return { kind: 'refused', code: outcome.result.code };
        return outcome.result.receipt.kind === 'action-noted'
          ? { kind: 'begun', number: outcome.result.receipt.action }
          : { kind: 'refused', code: 'INTERNAL' };
      case 'refused':
        return outcome.code === 'LOW_SPACE' ? { kind: 'unnoted' } : { kind: 'refused', code: outcome.code };
      case 'unknown':
        // Perhaps noted, without an outcome; certainly not done.
        return { kind: 'refused', code: 'UNAVAILABLE' };
      default:
        return unreachable(outcome);
    }
  }

  /** `done`, or a code of the error table. */
  async end(begun: Begun, outcome: string): Promise<void> {
    if (begun.kind !== 'begun') return;
    const action = begun.number;
    const { clock, logger, proposeOwn } = this.#options;
    const noted = proposeOwn({ kind: 'note-outcome', action, outcome }).then((answer) => {
      if (answer.kind !== 'applied')
        logger.warn({ action, outcome }, 'the outcome of an action is not noted');
    });
    await atMost(clock, endMs, noted);
  }
}

/**
 * Every request of the scope that changes something gets its line, and each that takes so much away that it is described as an action. `actorOf`
 * says who has been let in.
 */
export function keepJournal(
  scope: FastifyInstance,
  journal: ActionJournal,
  actorOf: (request: FastifyRequest) => ActionActor,
): void {
  const noted = new WeakMap<FastifyRequest, Begun>();
  scope.addHook('preHandler', async (request) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (isRead && request.routeOptions.config.describe === undefined) return;
    const begun = await journal.begin(actorOf(request), actionOf(request));
    if (begun.kind === 'refused') throw new CodedError(begun.code);
    noted.set(request, begun);
  });
  scope.addHook('onSend', async (request, reply, payload) => {
    const begun = noted.get(request);
    if (begun !== undefined) await journal.end(begun, outcomeOf(reply.statusCode, payload));
  });
}

function actionOf(request: FastifyRequest): Action {
  const { config, url = request.url } = request.routeOptions;
  return config.describe?.(request.body) ?? { action: url.replace(/^.*\/admin\//, ''), subject: '' };
}

function outcomeOf(status: number, payload: unknown): string {
  if (status < 300) return 'done';
  const [, code] = /"code":"([A-Z_]{1,64})"/.exec(typeof payload === 'string' ? payload : '') ?? [];
  return code ?? `HTTP ${status}`;
}
