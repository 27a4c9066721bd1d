/** Who says to be asking: by a session's name and secret, or an access token; in a header or a cookie, never in an address. */
import type { IncomingHttpHeaders } from 'node:http';
import { cookieName, readCookie } from './cookies.ts';

export type Credentials =
  | {
      readonly kind: 'session';
      readonly session: string;
      readonly secret: string;
      /** A page's browser adds a cookie by itself, whoever made it ask: hence the CSRF token. */
      readonly via: 'bearer' | 'cookie';
    }
  | { readonly kind: 'token'; readonly secret: string; readonly via: 'bearer' };

export type SessionNames = Pick<Extract<Credentials, { kind: 'session' }>, 'session' | 'secret'>;

/** Both as in the native protocol's hello: 32 and 64 hex digits. */
const ofSession = /^([0-9a-f]{32})\.([0-9a-f]{64})$/;
const ofToken = /^cvt_[0-9a-f]{64}$/;
const scheme = /^Bearer (.+)$/i;

/** `Authorization`, which no page of another site can add, counts before the cookie; null for neither. */
export function credentialsOf(headers: IncomingHttpHeaders, isSecure: boolean): Credentials | null {
  const bearer = scheme.exec(headers.authorization ?? '')?.[1]?.toLowerCase();
  if (bearer !== undefined) {
    return ofToken.test(bearer) ? { kind: 'token', secret: bearer, via: 'bearer' } : parse(bearer, 'bearer');
  }
  const cookie = readCookie(headers.cookie, cookieName(isSecure));
  return cookie === null ? null : parse(cookie, 'cookie');
}

export function bearerOf({ session, secret }: SessionNames): string {
  return `${session}.${secret}`;
}

function parse(text: string, via: Credentials['via']): Credentials | null {
  const [, session, secret] = ofSession.exec(text) ?? [];
  return session === undefined || secret === undefined ? null : { kind: 'session', session, secret, via };
}
