/** The words of the client's own interface. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/prng.ts';
import type { NativeEvent } from '../protocol/native.ts';
import type { ClientRequest, Reply, Success } from '../protocol/requests.ts';
import type { Dialer, FilePorts, Secrets } from './ports.ts';
import type { ServerAddress } from './server-pool.ts';
import type { StatusListener } from './status.ts';

/** What a session is known by; `secret` proves it. Kept by a program that wants to resume after its own restart. */
export interface Session {
  /** 32 hex digits. */
  readonly id: string;
  /** 64 hex digits; never to be logged. */
  readonly secret: string;
}

export interface ClientOptions {
  readonly nodes: readonly ServerAddress[];
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly secrets: Secrets;
  /** For files; without them files are refused. */
  readonly files?: FilePorts;
  /** An earlier session to go on with; `after` is its `cursor`. Where the cluster does not know it another one takes its place: see `Client.session`. */
  readonly session?: Session;
  readonly after?: number | undefined;
  /** An access token (docs/bots.md), in place of a login: every session of this client begins with it. */
  readonly token?: string;
  /** A change without an answer ends as unknown (or as the last refusal) after this time. Default: it is repeated for ever. */
  readonly giveUpMs?: number;
  /** A read without an answer ends as `UNAVAILABLE` after this time. Default: `limits.operationMs`. */
  readonly readGiveUpMs?: number;
  readonly onStatus?: StatusListener;
  /** Program and version, for the nodes' logs. */
  readonly name?: string;
}

/** Three outcomes, never two; never thrown. */
export type Outcome<Op extends Success['op'] = Success['op']> =
  | { readonly kind: 'receipt'; readonly value: Extract<Success, { readonly op: Op }> }
  | Exclude<Reply, { readonly kind: 'receipt' }>;

/**
 * What a program needs to repeat a change under its number when it was started again itself, and so keeps with the session: the session,
 * the request, and the number it was given.
 */
export interface RequestTrace {
  /** Given in an earlier life of this program, in the same session: the change is repeated, not made anew. Before anything else is asked. */
  readonly number?: number;
  /** Called before the change first leaves, with its number; once in a session. */
  readonly numbered?: (number: number) => void;
}

/** What is answered by a success of its own name. */
type NamedRequest = Extract<ClientRequest, { readonly op: Success['op'] }>;
export type RequestOf<Op extends NamedRequest['op']> = Extract<NamedRequest, { readonly op: Op }>;

export type RegistrationExtras = Omit<RequestOf<'register'>, 'op' | 'user' | 'password'>;
export type ProfileChange = Omit<RequestOf<'set-profile'>, 'op'>;

export interface HistoryOptions {
  /** The newest so many; default 100, at most 10,000. */
  readonly limit?: number;
  /** Only messages before this sequence. */
  readonly before?: number;
  /** Instead of the newest, the first ones behind this sequence … */
  readonly after?: number;
  /** … or sent at this time (in milliseconds since 1970-01-01 UTC) or later. */
  readonly since?: number;
}

export type FindOptions = Omit<RequestOf<'find'>, 'op' | 'text'>;
export interface AmendmentsOptions {
  /** Default 100, at most 10,000. */
  readonly limit?: number;
  /** Only those behind this revision. */
  readonly after?: number;
}

export type SendOptions = Pick<RequestOf<'send'>, 'replyTo' | 'receipt'>;

/**
 * What happens beside messages. `amended` comes once, in the order of the messages and behind their handler, also after a time without a
 * connection; the others are told as they happen and not later.
 */
export type ClientEvent = Extract<
  NativeEvent,
  { readonly ev: 'group' | 'delivered' | 'read' | 'amended' | 'presence' | 'typing' }
>;
export type EventListener = (event: ClientEvent) => void;
