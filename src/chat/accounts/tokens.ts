/** Access tokens: by hash, by account, and in the order in which they expire. Each entry looks at the first of those only. */
import { limits } from '../../base/limits.ts';
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import { readScopes, writeScopes } from '../codecs/token-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { TokenId, TokenScope, TokenView } from '../vocabulary/token-types.ts';
import type { AccountId } from '../vocabulary/types.ts';

const version = 1;
/** When several are due at once: the rest waits for the next entries, and is refused until then. */
const expiriesPerEntry = 16;

export interface TokenData extends TokenView {
  /** Cluster time of its end; null: none. */
  readonly untilMs: number | null;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

class Token implements Row, TokenData {
  readonly id: TokenId;
  readonly account: AccountId;
  readonly hash: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly createdMs: number;
  readonly expiresMs: number | null;
  readonly untilMs: number | null;
  readonly key: string;
  usedMs: number | null;
  noted = false;

  constructor(data: TokenData) {
    this.id = data.id;
    this.account = data.account;
    this.hash = data.hash;
    this.name = data.name;
    this.scopes = data.scopes;
    this.createdMs = data.createdMs;
    this.expiresMs = data.expiresMs;
    this.untilMs = data.untilMs;
    this.usedMs = data.usedMs;
    this.key = rowPrefix.token + data.id;
  }

  encode(): Uint8Array {
    writer.begin(version);
    writer.integer(this.account);
    writer.text(this.hash);
    writer.text(this.name);
    writeScopes(writer, this.scopes);
    writer.integer(this.createdMs);
    // None of these is ever 0: a token lives for a moment at least.
    writer.integer(this.expiresMs ?? 0);
    writer.integer(this.untilMs ?? 0);
    writer.integer(this.usedMs ?? 0);
    return writer.take();
  }
}

export function decodeToken(id: TokenId, value: Uint8Array): TokenData | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    const [account, hash, name] = [reader.integer(), reader.text(), reader.text()];
    const [scopes, createdMs] = [readScopes(reader), reader.integer()];
    const [expiresMs, untilMs] = [reader.integer() || null, reader.integer() || null];
    const usedMs = reader.integer() || null;
    return { id, account, hash, name, scopes, createdMs, expiresMs, untilMs, usedMs };
  });
}

export class Tokens {
  readonly #changes: ChangeSet;
  readonly #byId = new Map<TokenId, Token>();
  readonly #byHash = new Map<string, Token>();
  readonly #byAccount = new Map<AccountId, Map<TokenId, Token>>();
  /** Those that have an end, ascending by it, then by id. */
  readonly #byEnd: Token[] = [];

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** One whose time is over is there no more, whether or not an entry has noticed. */
  byId(id: TokenId, clusterMs: number): TokenData | undefined {
    return living(this.#byId.get(id), clusterMs);
  }

  byHash(hash: string, clusterMs: number): TokenData | undefined {
    return living(this.#byHash.get(hash), clusterMs);
  }

  /** Also by one whose time is over and that no entry has removed yet. */
  isTaken(hash: string): boolean {
    return this.#byHash.has(hash);
  }

  /** Ascending by id, which is by age. */
  of(account: AccountId): readonly TokenData[] {
    return [...(this.#byAccount.get(account)?.values() ?? [])].sort((a, b) => a.id - b.id);
  }

  add(data: TokenData): void {
    const token = this.#index(data);
    if (token.untilMs !== null) this.#byEnd.splice(this.#placeOf(token.untilMs, token.id), 0, token);
    this.#changes.put(token);
  }

  markUsed(id: TokenId, wallMs: number): void {
    const token = this.#byId.get(id);
    const usedMs = wallMs - (wallMs % limits.tokenUseGrainMs);
    if (token === undefined || usedMs <= (token.usedMs ?? 0)) return;
    token.usedMs = usedMs;
    this.#changes.put(token);
  }

  remove(id: TokenId): void {
    const token = this.#byId.get(id);
    if (token === undefined) return;
    this.#byId.delete(id);
    this.#byHash.delete(token.hash);
    const own = this.#byAccount.get(token.account);
    own?.delete(id);
    if (own?.size === 0) this.#byAccount.delete(token.account);
    if (token.untilMs !== null) this.#byEnd.splice(this.#placeOf(token.untilMs, id), 1);
    this.#changes.delete(token);
  }

  /** Whose time is over; to be removed. */
  lapsed(clusterMs: number): readonly TokenData[] {
    const first = this.#byEnd[0];
    if (first === undefined || living(first, clusterMs) !== undefined) return none;
    return this.#byEnd.slice(0, expiriesPerEntry).filter((token) => living(token, clusterMs) === undefined);
  }

  restore(all: readonly TokenData[]): void {
    for (const data of all) {
      const token = this.#index(data);
      if (token.untilMs !== null) this.#byEnd.push(token);
    }
    this.#byEnd.sort((a, b) => (a.untilMs ?? 0) - (b.untilMs ?? 0) || a.id - b.id);
  }

  rows(): Iterable<Row> {
    return this.#byId.values();
  }

  clear(): void {
    this.#byId.clear();
    this.#byHash.clear();
    this.#byAccount.clear();
    this.#byEnd.length = 0;
  }

  #index(data: TokenData): Token {
    const token = new Token(data);
    this.#byId.set(token.id, token);
    this.#byHash.set(token.hash, token);
    const own = this.#byAccount.get(token.account) ?? new Map<TokenId, Token>();
    this.#byAccount.set(token.account, own.set(token.id, token));
    return token;
  }

  /** By halving: where the token stands, or would. */
  #placeOf(untilMs: number, id: TokenId): number {
    let from = 0;
    let to = this.#byEnd.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const other = this.#byEnd[middle];
      const order = (other?.untilMs ?? 0) - untilMs || (other?.id ?? 0) - id;
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function living(token: Token | undefined, clusterMs: number): Token | undefined {
  return token === undefined || (token.untilMs !== null && token.untilMs <= clusterMs) ? undefined : token;
}

const none: readonly TokenData[] = [];
