/**
 * One request to another program, with nothing left to chance: connected to an address that was looked at after the name was resolved, so that
 * a name cannot change its mind in between; no redirects; bounded in time and size.
 */
import { lookup } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { KIB } from '../../base/limits.ts';
import { type HookAddressRules, isPublicAddress, urlFault } from '../requests/hook-address.ts';

export interface HookCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type HookAnswer =
  | { readonly kind: 'answered'; readonly status: number }
  /** `fault`: in a few words, without anything that the other side said. */
  | { readonly kind: 'failed'; readonly fault: string };

export interface HookCaller {
  /** Never rejects. `signal` gives it up. */
  call(call: HookCall, signal: AbortSignal): Promise<HookAnswer>;
}

const wholeMs = 10_000;
/** Of an answer whose status is all that counts. */
const answerBytes = 64 * KIB;

export class HttpHookCaller implements HookCaller {
  readonly #clock: Clock;
  readonly #rules: HookAddressRules;
  readonly #resolve: typeof lookup;

  /** `resolve` is for tests. */
  constructor(clock: Clock, rules: HookAddressRules, resolve: typeof lookup = lookup) {
    this.#clock = clock;
    this.#rules = rules;
    this.#resolve = resolve;
  }

  call(call: HookCall, signal: AbortSignal): Promise<HookAnswer> {
    // What was allowed when the hook was made may not be so by today's configuration.
    const fault = urlFault(call.url, this.#rules);
    if (fault !== null) return Promise.resolve({ kind: 'failed', fault });
    return new Promise((resolve) => this.#send(call, signal, resolve));
  }

  #send({ url, headers, body }: HookCall, signal: AbortSignal, settle: (answer: HookAnswer) => void): void {
    const request = url.startsWith('https:') ? secureRequest : plainRequest;
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, ...length },
      // A connection of its own: none is taken over that was looked at under other rules.
      agent: false,
      lookup: this.#checkedLookup,
      signal,
    });
    const timer = this.#clock.after(wholeMs, () => sent.destroy(new Error('no answer in time')));
    const end = (answer: HookAnswer): void => {
      timer.cancel();
      settle(answer);
    };
    let status: number | null = null;
    // Who has told the status has said all that counts, however the rest of the answer ends.
    const over = (fault: string): void =>
      end(status === null ? { kind: 'failed', fault } : { kind: 'answered', status });
    sent.once('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message));
    sent.once('response', (response) => {
      status = response.statusCode ?? 0;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > answerBytes) sent.destroy(new Error('the answer is too long'));
      });
      response.once('end', () => over(''));
      response.once('error', (error) => over(error.message));
    });
    sent.end(body);
  }

  /** The platform connects to what is given here and looks nothing up again. */
  readonly #checkedLookup: LookupFunction = (hostname, options, callback) => {
    this.#resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const allowed = found.filter(({ address }) => this.#rules.allowPrivate || isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) callback(new Error('no public address'), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, isIP(first.address));
    });
  };
}
