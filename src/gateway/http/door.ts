/** Before any of a body is read: which page asks, who asks, whether it was the page itself, and how much they ask. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import { networkOf } from '../connections/address-limits.ts';
import { ConnectionContext } from '../connections/context.ts';
import { scopeFault, type Door as TokenDoor } from '../requests/scopes.ts';
import { hashSecret, sameText } from '../secrets/identifiers.ts';
import { clearCookie, csrfTokenOf } from './cookies.ts';
import { type Credentials, credentialsOf } from './credentials.ts';
import type { Caller, HttpSessions } from './http-session.ts';
import { announceLimit, type Quota, type RequestLimits, type Standing } from './request-limits.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Absent: only for those who are logged in. `open`: for everybody, as whoever they show to be. */
    readonly access?: 'open';
    /** What an access token must open, where no request of the service says it. */
    readonly door?: TokenDoor;
    /** Of a read that a page asks for every second: who asks is looked up in what this node has, not each time through the leader. */
    readonly glance?: true;
  }
}

export interface DoorOptions {
  readonly sessions: HttpSessions;
  /** Of the members' own pages. */
  readonly origins: () => readonly string[];
  /** The port speaks TLS. */
  readonly isSecure: boolean;
  readonly limits: RequestLimits;
  readonly quotas: { readonly account: Quota; readonly address: Quota };
}

const keyPattern = /^[\x21-\x7e]{16,128}$/;
const harmless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class Door {
  readonly isSecure: boolean;
  readonly #options: DoorOptions;
  readonly #callers = new WeakMap<FastifyRequest, Caller>();

  constructor(options: DoorOptions) {
    this.#options = options;
    this.isSecure = options.isSecure;
  }

  /** Rejects with the `CodedError` that says why not. */
  async enter(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#checkOrigin(request, reply);
    const { limits, quotas } = this.#options;
    const address = networkOf(request.ip);
    // Whoever shows something is looked at: neighbours behind one address may be anybody.
    const shown = credentialsOf(request.headers, this.isSecure);
    if (shown === null) this.#insist(limits.look(quotas.address, address), reply);
    const caller = await this.#authenticate(shown, request, reply).catch((error: unknown) => {
      // A node without a majority cannot tell who asks: that is nobody's fault.
      const isNobody = error instanceof CodedError && error.code === 'AUTH_REQUIRED';
      if (isNobody) this.#insist(limits.take(quotas.address, address), reply);
      throw error;
    });
    if (caller !== null) this.#admit(request, caller);
    if (caller === null) this.#insist(limits.take(quotas.address, address), reply);
    else if (!isOfFile(request)) this.#insist(limits.take(quotas.account, caller.identity.account), reply);
  }

  /** Null where everybody is let in, and nobody was shown. */
  guestOf(request: FastifyRequest): Caller | null {
    return this.#callers.get(request) ?? null;
  }

  callerOf(request: FastifyRequest): Caller {
    const caller = this.guestOf(request);
    if (caller === null) throw new CodedError('AUTH_REQUIRED');
    return caller;
  }

  /** As what the service sees whoever asks. */
  contextOf(request: FastifyRequest): ConnectionContext {
    const caller = this.guestOf(request);
    if (caller === null) return new ConnectionContext(null, request.ip);
    const key = idempotencyKeyOf(request);
    const context = new ConnectionContext(caller.session, request.ip, {
      key: key === null ? null : hashSecret(key).slice(0, 32),
    });
    context.identity = caller.identity;
    context.requestId = request.id;
    return context;
  }

  /** Pages of other sites must not ask for the person who visits them. No Origin: no page, or one of this node's own reads. */
  #checkOrigin({ headers }: FastifyRequest, reply: FastifyReply): void {
    const { origin } = headers;
    if (origin === undefined) return;
    if (!this.#options.origins().includes(origin)) throw new CodedError('DENIED', 'This origin may not ask.');
    // A page whose own node is gone asks another one: see `web-pages.ts`.
    void reply.header('access-control-expose-headers', exposedHeaders);
  }

  async #authenticate(
    credentials: Credentials | null,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Caller | null> {
    const isOpen = request.routeOptions.config.access === 'open';
    if (credentials === null) {
      if (isOpen) return null;
      throw new CodedError('AUTH_REQUIRED');
    }
    const caller = await this.#prove(credentials, request, reply).catch((error: unknown) => {
      // Whoever comes to log in need not be logged in any more.
      if (isOpen && error instanceof CodedError && error.code === 'AUTH_REQUIRED') return null;
      throw error;
    });
    if (caller !== null) checkToken(request, credentials);
    return caller;
  }

  async #prove(credentials: Credentials, request: FastifyRequest, reply: FastifyReply): Promise<Caller> {
    try {
      return await this.#options.sessions.authenticate(credentials, mayBeStale(request));
    } catch (error) {
      const isOver = error instanceof CodedError && error.code === 'AUTH_REQUIRED';
      if (isOver && credentials.via === 'cookie') void reply.header('set-cookie', clearCookie(this.isSecure));
      throw error;
    }
  }

  #admit(request: FastifyRequest, caller: Caller): void {
    const { door } = request.routeOptions.config;
    const barred = door === undefined ? null : scopeFault(caller.identity, door);
    if (barred !== null) throw new CodedError(barred.code, barred.text);
    this.#callers.set(request, caller);
  }

  #insist(standing: Standing | null, reply: FastifyReply): void {
    if (standing === null) return;
    announceLimit(reply, standing);
    if (!standing.isOver) return;
    void reply.header('retry-after', standing.resetSeconds);
    throw new CodedError('RATE_LIMITED', 'Too many requests, try again later.');
  }
}

/** Pieces of files are many, and have bounds of their own. */
function isOfFile({ routeOptions }: FastifyRequest): boolean {
  const { door } = routeOptions.config;
  return door === 'upload' || door === 'download';
}

/** What a page of another member may read of an answer. */
const exposedHeaders = 'retry-after, ratelimit, ratelimit-policy, conclave-stale, content-range, etag';

/** A cookie comes by itself; the token does not. */
function checkToken({ method, headers }: FastifyRequest, { via, secret }: Credentials): void {
  if (via === 'bearer' || harmless.has(method)) return;
  const shown = headers['x-csrf-token'];
  if (typeof shown === 'string' && sameText(shown, csrfTokenOf(secret))) return;
  throw new CodedError(
    'DENIED',
    'A change that comes with a cookie needs the session’s CSRF token in X-CSRF-Token.',
  );
}

/** Only a read may be stale. */
function mayBeStale({ method, query, routeOptions }: FastifyRequest): boolean {
  if (method !== 'GET') return false;
  if (routeOptions.config.glance === true) return true;
  return typeof query === 'object' && query !== null && 'stale' in query && query.stale === 'true';
}

export function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && keyPattern.test(key)) return key;
  throw new CodedError(
    'BAD_REQUEST',
    'An Idempotency-Key has 16 to 128 visible ASCII characters: a UUID is a good one.',
  );
}
