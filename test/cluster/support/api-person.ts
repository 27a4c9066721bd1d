/** Somebody who uses the HTTP API as it is documented. */
import type { Ask, DocumentedApi, Got } from './documented-api.ts';

/** Asks one node and then the other. */
export class Person {
  readonly name: string;
  token = '';
  readonly #api: DocumentedApi;
  readonly #origins: readonly string[];
  #turn = 0;

  constructor(name: string, api: DocumentedApi, origins: readonly string[]) {
    this.name = name;
    this.#api = api;
    this.#origins = origins;
  }

  async ask(operationId: string, ask: Ask = {}): Promise<Got> {
    const origin = this.#origins[this.#turn++ % this.#origins.length] ?? '';
    const shown = this.token === '' ? {} : { authorization: `Bearer ${this.token}` };
    return this.#api.call(origin, operationId, { ...ask, headers: { ...shown, ...ask.headers } });
  }

  /** What must be answered as asked. */
  async get(operationId: string, ask: Ask = {}): Promise<Got['json']> {
    const got = await this.ask(operationId, ask);
    if (got.status >= 300) throw new Error(`${operationId}: ${got.status} ${JSON.stringify(got.json)}`);
    return got.json;
  }

  async join(): Promise<this> {
    const who = { user: this.name, password: 'pw' };
    await this.get('register', { body: who });
    this.token = String((await this.get('logIn', { body: who })).token);
    return this;
  }
}
