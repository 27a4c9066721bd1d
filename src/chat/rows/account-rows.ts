/** The rows of accounts and of what belongs to them: see `row-codec.ts` for what all rows have in common. */
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from '../codecs/bytes.ts';
import { derivedUuid } from '../names/uuid.ts';
import type { Account, AccountId, AccountKind } from '../vocabulary/types.ts';

const accountVersion = 2;
/** Without kind, UUID and profile: all were members. */
const plainAccountVersion = 1;
const leaseVersion = 1;

/** Place in this list is the number in a row: new kinds go to the end. */
const kinds: readonly AccountKind[] = ['member', 'guest', 'bearer'];

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeAccount(account: Account): Uint8Array {
  writer.begin(accountVersion);
  writer.text(account.name);
  writer.text(account.passwordHash);
  writer.integer(account.credential);
  writer.integer(account.createdMs);
  writer.byte(kinds.indexOf(account.kind));
  writer.text(account.uuid);
  // Neither is ever empty.
  writer.text(account.displayName ?? '');
  writer.text(account.email ?? '');
  return writer.take();
}

export function decodeAccount(id: AccountId, value: Uint8Array): Account | null {
  return readAll(value, (reader) => {
    const version = reader.byte();
    if (version !== accountVersion && version !== plainAccountVersion) {
      throw new MalformedBytes('unknown version');
    }
    const name = reader.text();
    const passwordHash = reader.text();
    const credential = reader.integer();
    const createdMs = reader.integer();
    const isPlain = version === plainAccountVersion;
    return {
      id,
      kind: isPlain ? 'member' : readKind(reader),
      name,
      passwordHash,
      credential,
      createdMs,
      uuid: isPlain ? derivedUuid(id, name) : reader.text(),
      displayName: isPlain ? null : reader.text() || null,
      email: isPlain ? null : reader.text() || null,
    };
  });
}

function readKind(reader: ByteReader): AccountKind {
  const kind = kinds[reader.byte()];
  if (kind === undefined) throw new MalformedBytes('unknown kind of account');
  return kind;
}

/** A guest's hold on its name. */
export interface LeaseData {
  readonly account: AccountId;
  /** Log index of the newest renewal. */
  readonly renewedIndex: number;
  /** Cluster time. */
  readonly untilMs: number;
}

export function encodeLease(lease: LeaseData): Uint8Array {
  writer.begin(leaseVersion);
  writer.integer(lease.renewedIndex);
  writer.integer(lease.untilMs);
  return writer.take();
}

export function decodeLease(account: AccountId, value: Uint8Array): LeaseData | null {
  return readAll(value, (reader) => {
    if (reader.byte() !== leaseVersion) throw new MalformedBytes('unknown version');
    return { account, renewedIndex: reader.integer(), untilMs: reader.integer() };
  });
}
