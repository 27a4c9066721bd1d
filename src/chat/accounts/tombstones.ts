/**
 * Accounts that were gone before they came here: which id an import gave to each, by the key that its source has for it. So an import that is
 * repeated finds the conversations of its first run.
 */
import { ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { AccountId } from '../vocabulary/types.ts';

const version = 1;

export interface TombstoneData {
  /** In the form of a UUID. */
  readonly uuid: string;
  readonly account: AccountId;
}

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

class Tombstone implements Row, TombstoneData {
  readonly key: string;
  readonly uuid: string;
  readonly account: AccountId;
  noted = false;

  constructor({ uuid, account }: TombstoneData) {
    this.key = rowPrefix.tombstone + uuid;
    this.uuid = uuid;
    this.account = account;
  }

  encode(): Uint8Array {
    writer.begin(version);
    writer.integer(this.account);
    return writer.take();
  }
}

export function decodeTombstone(uuid: string, value: Uint8Array): TombstoneData | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== version) throw new MalformedBytes('unknown version');
    return { uuid, account: reader.integer() };
  });
}

export class Tombstones {
  readonly #changes: ChangeSet;
  readonly #byUuid = new Map<string, Tombstone>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  accountOf(uuid: string): AccountId | undefined {
    return this.#byUuid.get(uuid)?.account;
  }

  get size(): number {
    return this.#byUuid.size;
  }

  add(data: TombstoneData): void {
    const tombstone = new Tombstone(data);
    this.#byUuid.set(data.uuid, tombstone);
    this.#changes.put(tombstone);
  }

  restore(all: readonly TombstoneData[]): void {
    for (const data of all) this.#byUuid.set(data.uuid, new Tombstone(data));
  }

  rows(): Iterable<Row> {
    return this.#byUuid.values();
  }

  clear(): void {
    this.#byUuid.clear();
  }
}
