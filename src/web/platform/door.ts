/** The browser's login over HTTP: a cookie that scripts cannot read, and from it a session of its own for this tab. */
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { Admission, Doorkeeper } from '../session/ports.ts';
import { browserSecrets } from './ports.ts';

const root = '/api/v1';
const answerMs = 15_000;

type Answer =
  | { readonly kind: 'fine'; readonly body: Readonly<Record<string, unknown>> }
  | Exclude<Admission, { readonly kind: 'admitted' }>;

export const browserDoor: Doorkeeper = {
  async register(user, password, invitation) {
    const code = invitation === '' ? {} : { invitation };
    const answer = await ask('POST', '/accounts', { user, password, ...code });
    return answer.kind === 'fine' ? this.logIn(user, password) : answer;
  },

  async logIn(user, password) {
    const answer = await ask('POST', '/sessions', { user, password, cookie: true });
    return answer.kind === 'fine' ? derive(answer.body) : answer;
  },

  async resume() {
    const answer = await ask('GET', '/sessions/current');
    return answer.kind === 'fine' ? derive(answer.body) : answer;
  },

  async logOut() {
    const current = await ask('GET', '/sessions/current');
    if (current.kind !== 'fine') return false;
    const answer = await ask('DELETE', '/sessions/current', undefined, current.body.csrfToken);
    return answer.kind === 'fine';
  },
};

/** The tab makes its names itself, so that the same may be asked again when an answer was lost. */
async function derive({ csrfToken }: Readonly<Record<string, unknown>>): Promise<Admission> {
  const names = { session: browserSecrets.hex(16), secret: browserSecrets.hex(32) };
  const answer = await ask('POST', '/sessions/derived', names, csrfToken);
  if (answer.kind !== 'fine') return answer;
  const session = { id: names.session, secret: names.secret };
  return { kind: 'admitted', user: String(answer.body.user), session };
}

async function ask(method: string, path: string, body?: object, csrfToken?: unknown): Promise<Answer> {
  const proof = typeof csrfToken === 'string' ? { 'x-csrf-token': csrfToken } : {};
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  try {
    const answer = await fetch(`${root}${path}`, {
      method,
      headers: { accept: 'application/json', ...proof, ...type },
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      redirect: 'error',
      signal: AbortSignal.timeout(answerMs),
    });
    const told = answer.status === 204 ? {} : asRecord(await answer.json());
    return answer.ok ? { kind: 'fine', body: told } : refusalIn(answer.status, told);
  } catch {
    // No connection, no whole answer, or one that is no JSON: in any case nobody there speaks for the cluster.
    return { kind: 'unreachable' };
  }
}

function refusalIn(status: number, { code, detail }: Readonly<Record<string, unknown>>): Answer {
  if (!isErrorCode(code)) return status === 401 ? { kind: 'stranger' } : { kind: 'unreachable' };
  if (code === 'AUTH_REQUIRED' || code === 'SESSION_EXPIRED') return { kind: 'stranger' };
  return { kind: 'refused', code, text: typeof detail === 'string' ? detail : errorTable[code].text };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value);
}
