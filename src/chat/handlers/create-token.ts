import { limits } from '../../base/limits.ts';
import { isDisplayName } from '../names/profile-fields.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type CreateToken = Extract<Command, { kind: 'create-token' }>;

/** A guest goes with its connection, and a token makes no tokens: nothing may outlast or exceed what it came from. */
export function createToken(context: Context, command: CreateToken): Result {
  const { actor, moment, session, tables } = context;
  const { name, hash, scopes, lifetimeMs } = command;
  if (actor === null) return reject('AUTH_REQUIRED');
  if (actor.kind === 'guest' || (session !== null && session.token !== null)) return reject('DENIED');
  if (!isDisplayName(name)) return reject('BAD_DISPLAY_NAME');
  const isSane = scopes.length > 0 && (lifetimeMs === null || isLifetime(lifetimeMs));
  if (!isSane || !/^[0-9a-f]{64}$/.test(hash)) return reject('BAD_REQUEST');
  const own = tables.tokens.of(actor.id);
  const sameHash = own.find((token) => token.hash === hash);
  // Asked again: whoever made the token sends its hash until somebody answers.
  if (sameHash?.name === name) {
    return accept({ kind: 'token-created', token: sameHash.id, expiresMs: sameHash.expiresMs });
  }
  if (sameHash !== undefined || own.some((token) => token.name === name)) return reject('NAME_TAKEN');
  // Somebody else's: whoever asks did not make it by chance.
  if (tables.tokens.isTaken(hash)) return reject('BAD_REQUEST');
  const isFull = own.length >= limits.tokensPerAccount || tables.tokens.size >= limits.tokens;
  if (isFull) return reject('LIMIT_REACHED');
  const expiresMs = lifetimeMs === null ? null : moment.wallMs + lifetimeMs;
  tables.tokens.add({
    id: moment.index,
    account: actor.id,
    hash,
    name,
    scopes,
    createdMs: moment.wallMs,
    expiresMs,
    untilMs: lifetimeMs === null ? null : moment.clusterMs + lifetimeMs,
    usedMs: null,
  });
  return accept({ kind: 'token-created', token: moment.index, expiresMs });
}

function isLifetime(lifetimeMs: number): boolean {
  return lifetimeMs >= 1 && lifetimeMs <= limits.tokenMs;
}
