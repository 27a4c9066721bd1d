/** Lines about one's own access tokens, and how one is made: here, so that the node is told nothing but its hash. */
import { createHash, randomBytes } from 'node:crypto';
import { escapeLine } from '../../protocol/escape.ts';
import type { ClientRequest, Reply } from '../../protocol/requests.ts';

export const tokenHelp: readonly string[] = [
  'token|NAME|SCOPES - make an access token for a program; scopes: read send files manage-groups hooks admin',
  'tokens - show your access tokens, revoke|ID - revoke one',
];

export type TokenLine =
  | { readonly kind: 'create'; readonly name: string; readonly scopes: string }
  | { readonly kind: 'ask'; readonly request: ClientRequest };

/** Null when it is another line. */
export function parseTokenLine(line: string): TokenLine | null {
  if (line === 'tokens') return { kind: 'ask', request: { op: 'tokens' } };
  const [, id] = /^revoke\|(\d{1,15})$/.exec(line) ?? [];
  if (id !== undefined) return { kind: 'ask', request: { op: 'revoke-token', id: Number(id) } };
  const [, name, scopes] = /^token\|([^|]+)\|([a-z -]+)$/.exec(line) ?? [];
  return name === undefined || scopes === undefined ? null : { kind: 'create', name, scopes };
}

/** As `newToken` of the gateway: whoever makes it, it looks the same. */
export function makeToken(): { readonly token: string; readonly hash: string } {
  const token = `cvt_${randomBytes(32).toString('hex')}`;
  return { token, hash: createHash('sha256').update(token).digest('hex') };
}

/** The lists and receipts that a person reads; null: another answer, said as any. */
export function formatTokenReply(reply: Reply, made?: string): readonly string[] | null {
  if (reply.kind !== 'receipt') return null;
  const { value } = reply;
  switch (value.op) {
    case 'create-token':
      return [
        `Token ${value.id}: ${made ?? ''}`,
        'It is shown this once. Whoever has it acts as you, within its scopes.',
      ];
    case 'revoke-token':
      return [`Token ${value.id} is revoked.`];
    case 'tokens':
      if (value.tokens.length === 0) return ['No access tokens.'];
      return value.tokens.map(({ id, name, scopes, expiresMs, usedMs }) => {
        const until = expiresMs === null ? '' : `, until ${dayOf(expiresMs)}`;
        const used = usedMs === null ? 'not used yet' : `last used ${dayOf(usedMs)}`;
        return `${id} ${escapeLine(name)}: ${scopes.join(' ')}${until}, ${used}`;
      });
    default:
      return null;
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
