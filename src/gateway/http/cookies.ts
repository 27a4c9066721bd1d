/** The cookie that holds a page's session, and the token that proves that the page itself asks. */
import { createHmac } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import { limits } from '../../base/limits.ts';

/** Over TLS no other host and no plain-text page can set it (the `__Host-` prefix). */
export function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-conclave' : 'conclave';
}

export function readCookie(header: string | undefined, name: string): string | null {
  return header === undefined ? null : (parseCookie(header)[name] ?? null);
}

/**
 * `isSecurePage`: the page came over TLS, be it a proxy's; on the plain text of loopback a `Secure` cookie would never come back.
 */
export function setCookie(value: string, isSecure: boolean, isSecurePage: boolean): string {
  return stringifySetCookie(cookieName(isSecure), value, {
    ...attributes(isSecure || isSecurePage),
    maxAge: limits.sessionIdleMs / 1_000,
  });
}

export function clearCookie(isSecure: boolean): string {
  return stringifySetCookie(cookieName(isSecure), '', { ...attributes(isSecure), maxAge: 0 });
}

/** Follows from the secret, which the page cannot read: every node knows it without keeping it, and it ends with the session. */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('conclave csrf').digest('hex');
}

function attributes(isSecure: boolean) {
  return { httpOnly: true, secure: isSecure, sameSite: 'strict', path: '/' } as const;
}
