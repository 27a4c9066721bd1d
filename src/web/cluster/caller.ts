/** Requests of the page to the members: as whoever has logged in, or as the cluster view of a demonstration. */
import { type Caller, type Place, type Said, textIn } from './ports.ts';

/** What a node is given to answer: a figure is wanted now, a change ends on the node within five seconds. */
const readMs = 1_500;
const changeMs = 8_000;

export class PageCaller implements Caller {
  readonly #scheme: string;
  #token: string | null = null;

  constructor(isSecure: boolean) {
    this.#scheme = isSecure ? 'https' : 'http';
  }

  /** In memory only: a page that is loaded again asks the chat's session, or the person. */
  use(token: string): void {
    this.#token = token;
  }

  get(place: Place, path: string): Promise<Said | null> {
    return this.#ask(place, path, { method: 'GET', headers: this.#headers() }, readMs);
  }

  post(place: Place, path: string, body: unknown): Promise<Said | null> {
    const headers = { ...this.#headers(), 'content-type': 'application/json', 'x-conclave-page': 'cluster' };
    return this.#ask(place, path, { method: 'POST', headers, body: JSON.stringify(body) }, changeMs);
  }

  /** A session of this page's own out of the chat's, whose cookie the browser shows to the node that it came from; false: there is none. */
  async derive(own: Place): Promise<boolean> {
    const current = await this.#ask(
      own,
      '/api/v1/sessions/current',
      { method: 'GET', credentials: 'same-origin' },
      readMs,
    );
    const csrf = textIn(current, 'csrfToken');
    if (csrf === null) return false;
    const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf };
    const init = { method: 'POST', headers, body: '{}', credentials: 'same-origin' } as const;
    const token = textIn(await this.#ask(own, '/api/v1/sessions/derived', init, changeMs), 'token');
    if (token !== null) this.#token = token;
    return token !== null;
  }

  #headers(): Readonly<Record<string, string>> {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
  }

  async #ask(place: Place, path: string, init: RequestInit, patienceMs: number): Promise<Said | null> {
    const host = place.host.includes(':') && !place.host.startsWith('[') ? `[${place.host}]` : place.host;
    try {
      const response = await fetch(`${this.#scheme}://${host}:${place.port}${path}`, {
        credentials: 'omit',
        ...init,
        signal: AbortSignal.timeout(patienceMs),
        cache: 'no-store',
      });
      return { status: response.status, value: response.status === 204 ? null : await response.json() };
    } catch {
      // Not there, too slow, or no JSON: another member may answer.
      return null;
    }
  }
}
