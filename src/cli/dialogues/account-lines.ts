/** Lines about one's own account that the terminal client understands by itself, whatever the node's dialect has. Pure. */
import type { ClientRequest } from '../../protocol/requests.ts';

export const accountHelp: readonly string[] = [
  'me - show your account',
  'me|name|TEXT or me|mail|ADDRESS - set your display name or e-mail address; nothing behind the bar takes it away',
  'p|current|new - change your password; ends your other logins',
];

/** Null when it is another line. The last field is the rest of the line; a current password that holds a bar cannot be given here. */
export function parseAccountLine(line: string): ClientRequest | null {
  if (line === 'me') return { op: 'profile' };
  const [, field, value = ''] = /^me\|(name|mail)\|(.*)$/s.exec(line) ?? [];
  if (field === 'name') return { op: 'set-profile', displayName: value === '' ? null : value };
  if (field === 'mail') return { op: 'set-profile', email: value === '' ? null : value };
  const [, current, password] = /^p\|([^|]*)\|(.+)$/s.exec(line) ?? [];
  return current === undefined || password === undefined
    ? null
    : { op: 'change-password', current, password };
}

/** Whether a line holds a password: such a line is not offered again. */
export function holdsPassword(line: string): boolean {
  return /^(?:[12p]\||j\|[^|]*\||g\|[^|]*\|password\|)/.test(line);
}
