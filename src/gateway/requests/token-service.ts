/** Requests about access tokens, and how it is noted that one was used. A token ends here, as its hash. */
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import {
  type TokenId,
  type TokenScope,
  type TokenView,
  tokenScopes,
} from '../../chat/vocabulary/token-types.ts';
import type { AccountId, Command, Numbering } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import { Coalescer } from '../../delivery/coalescer.ts';
import type { ChangeRequest, Reply, Success, TokenEntry } from '../../protocol/requests.ts';
import type { ConnectionContext } from '../connections/context.ts';
import { hashSecret, type SecureBytes } from '../secrets/identifiers.ts';
import type { Authentication, Propose } from './authentication.ts';
import { rejection } from './replies.ts';

export interface TokenServiceOptions {
  readonly view: ChatView;
  readonly clock: Clock;
  readonly barrier: () => Promise<void>;
  readonly propose: Propose;
  readonly proposeOwn: (command: Command) => Promise<{ readonly kind: string }>;
}

type TokenRequest = Extract<ChangeRequest, { op: 'create-token' | 'revoke-token' | 'enter-token' }>;

/** So that people and programs that look for lost secrets know one when they see it. */
const tokenPrefix = 'cvt_';
const tokenBytes = 32;

const useFlushMs = 5_000;
const batchUses = 1_024;
const waitingUses = 16_384;

export class TokenService {
  readonly #options: TokenServiceOptions;
  readonly #authentication: Pick<Authentication, 'isAnswered'>;
  readonly #uses: Coalescer<TokenId>;

  constructor(authentication: Pick<Authentication, 'isAnswered'>, options: TokenServiceOptions) {
    this.#options = options;
    this.#authentication = authentication;
    this.#uses = new Coalescer({
      clock: options.clock,
      propose: (tokens) =>
        options.proposeOwn({ kind: 'note-token-uses', tokens }).then(({ kind }) => kind === 'applied'),
      keyOf: String,
      join: () => null,
      flushMs: useFlushMs,
      batchFacts: batchUses,
      waitingFacts: waitingUses,
    });
  }

  change(context: ConnectionContext, request: TokenRequest, numbering: Numbering | null): Promise<Reply> {
    switch (request.op) {
      case 'create-token':
        return this.#create(context, request, numbering);
      case 'revoke-token':
        return this.#options.propose(context, { kind: 'revoke-token', token: request.id }, numbering);
      case 'enter-token':
        return this.#enter(context, hashSecret(request.token), numbering);
    }
  }

  /** Behind a barrier. */
  list(account: AccountId): Success {
    return { op: 'tokens', tokens: this.#options.view.tokensOf(account).map(entryOf) };
  }

  /** At most one log entry an hour comes of it. */
  used({ id, usedMs }: TokenView): void {
    if (this.#options.clock.wallMs() - (usedMs ?? 0) >= limits.tokenUseGrainMs) this.#uses.add(id);
  }

  flush(): Promise<void> {
    return this.#uses.flush();
  }

  stop(): void {
    this.#uses.stop();
  }

  async #create(
    context: ConnectionContext,
    { name, hash, scopes, lifetimeMs }: Extract<TokenRequest, { op: 'create-token' }>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const known = scopesIn(scopes);
    if (known === null) return rejection('BAD_REQUEST', `Scopes are: ${tokenScopes.join(' ')}.`);
    const command = {
      kind: 'create-token',
      name,
      hash,
      scopes: known,
      lifetimeMs: lifetimeMs ?? null,
    } as const;
    return this.#options.propose(context, command, numbering);
  }

  async #enter(context: ConnectionContext, hash: string, numbering: Numbering | null): Promise<Reply> {
    if (numbering === null) return rejection('BAD_REQUEST', 'Only a session can be entered.');
    // Made a moment ago, perhaps on another node.
    await this.#options.barrier();
    const { view, propose } = this.#options;
    const isAnswerable = numbering.sequence === 1 || this.#authentication.isAnswered(numbering);
    // What opens the session the state has to judge; beyond that nobody's guesses get into the log.
    if (!isAnswerable && view.tokenByHash(hash) === undefined) return rejection('TOKEN_INVALID');
    return propose(context, { kind: 'enter-token', hash }, numbering);
  }
}

/** 256 random bits. */
export function newToken(secureBytes: SecureBytes): string {
  return tokenPrefix + Buffer.from(secureBytes(tokenBytes)).toString('hex');
}

/** Separated by spaces; null when one is none, or none is given. */
function scopesIn(text: string): readonly TokenScope[] | null {
  const given = text.split(' ');
  const known = tokenScopes.filter((scope) => given.includes(scope));
  return known.length > 0 && known.length === new Set(given).size ? known : null;
}

function entryOf({ id, name, scopes, createdMs, expiresMs, usedMs }: TokenView): TokenEntry {
  return { id, name, scopes, createdMs, expiresMs, usedMs };
}
