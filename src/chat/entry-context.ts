/** What one entry's handler is given: who asks is decided here, by the state as it is when the entry is applied. */
import type { Context, Tables } from './handlers/context.ts';
import type { Session } from './sessions/session.ts';
import type { Moment } from './vocabulary/moment.ts';
import type { Account, Actor, ChatEvent } from './vocabulary/types.ts';

export class EntryContext implements Context {
  readonly moment: Moment;
  readonly tables: Tables;
  readonly session: Session | null;
  readonly actor: Account | null;
  readonly #events: ChatEvent[];

  constructor(
    moment: Moment,
    tables: Tables,
    session: Session | null,
    actor: Actor | null,
    events: ChatEvent[],
  ) {
    this.moment = moment;
    this.tables = tables;
    this.session = session;
    const account = actor === null ? undefined : tables.accounts.byId(actor.account);
    const isKnown = actor !== null && account !== undefined && this.#isCurrent(actor, account);
    this.actor = isKnown ? account : null;
    this.#events = events;
  }

  /** What the gateway vouched for may have ended before the entry was applied. */
  #isCurrent({ credential, token, hook }: Actor, account: Account): boolean {
    if (credential !== undefined && credential !== account.credential) return false;
    if (hook !== undefined) return this.tables.hooks.byId(hook)?.account === account.id;
    if (token === undefined) return true;
    return this.tables.tokens.byId(token, this.moment.clusterMs)?.account === account.id;
  }

  emit(event: ChatEvent): void {
    this.#events.push(event);
  }
}
