/** Commands and receipts of `group-types.ts` as bytes: the share of groups in `codec.ts` and `receipt-codec.ts`. */
import { unreachable } from '../../base/assert.ts';
import type { GroupCommand, GroupReceipt } from '../vocabulary/group-types.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Numbers of the kinds in the log, from 10 to 39: never reused, never changed. */
const commandTag = {
  'create-group': 10,
  'announce-group': 11,
  'join-group': 12,
  'leave-group': 13,
  'rename-group': 14,
  'set-group-password': 15,
  'remove-member': 16,
  'transfer-group': 17,
  'delete-group': 18,
  'visit-group': 19,
  'set-group-listener': 20,
} as const satisfies Record<GroupCommand['kind'], number>;

/** The same in a session's row. */
const receiptTag = {
  'group-created': 10,
  'group-announced': 11,
  'group-joined': 12,
  'group-left': 13,
  'group-changed': 14,
  'member-removed': 15,
  'group-deleted': 16,
  'group-visited': 17,
} as const satisfies Record<GroupReceipt['kind'], number>;

const receiptKinds: ReadonlyMap<number, GroupReceipt['kind']> = new Map(
  (Object.entries(receiptTag) as [GroupReceipt['kind'], number][]).map(([kind, tag]) => [tag, kind]),
);

export function writeGroupCommand(writer: ByteWriter, command: GroupCommand): void {
  writer.byte(commandTag[command.kind]);
  writer.text(command.name);
  switch (command.kind) {
    case 'create-group':
    case 'set-group-password':
      writeHash(writer, command.passwordHash);
      return;
    case 'announce-group':
      writer.text(command.address.host);
      writer.integer(command.address.port);
      return;
    case 'join-group':
      writeJoin(writer, command);
      return;
    case 'rename-group':
      writer.text(command.newName);
      return;
    case 'remove-member':
      writer.text(command.member);
      return;
    case 'transfer-group':
      writer.text(command.owner);
      return;
    case 'visit-group':
      writer.byte(command.entering ? 1 : 0);
      return;
    case 'set-group-listener':
      // No port is 0.
      writer.integer(command.port ?? 0);
      return;
    case 'leave-group':
    case 'delete-group':
      return;
    default:
      unreachable(command);
  }
}

/** Null when `kind` is no command of a group. */
export function readGroupCommand(reader: ByteReader, kind: number): GroupCommand | null {
  switch (kind) {
    case commandTag['create-group']:
      return { kind: 'create-group', name: reader.text(), passwordHash: readHash(reader) };
    case commandTag['announce-group']: {
      const name = reader.text();
      return { kind: 'announce-group', name, address: { host: reader.text(), port: reader.integer() } };
    }
    case commandTag['join-group']:
      return readJoin(reader);
    case commandTag['leave-group']:
      return { kind: 'leave-group', name: reader.text() };
    case commandTag['visit-group']:
      return { kind: 'visit-group', name: reader.text(), entering: reader.byte() === 1 };
    case commandTag['rename-group']:
      return { kind: 'rename-group', name: reader.text(), newName: reader.text() };
    case commandTag['set-group-password']:
      return { kind: 'set-group-password', name: reader.text(), passwordHash: readHash(reader) };
    case commandTag['remove-member']:
      return { kind: 'remove-member', name: reader.text(), member: reader.text() };
    case commandTag['transfer-group']:
      return { kind: 'transfer-group', name: reader.text(), owner: reader.text() };
    case commandTag['set-group-listener']:
      return { kind: 'set-group-listener', name: reader.text(), port: reader.integer() || null };
    case commandTag['delete-group']:
      return { kind: 'delete-group', name: reader.text() };
    default:
      return null;
  }
}

export function writeGroupReceipt(writer: ByteWriter, receipt: GroupReceipt): void {
  writer.byte(receiptTag[receipt.kind]);
  writer.text(receipt.group);
  writer.text(receipt.name);
}

/** Null when `tag` is no receipt of a group. */
export function readGroupReceipt(reader: ByteReader, tag: number): GroupReceipt | null {
  const kind = receiptKinds.get(tag);
  return kind === undefined ? null : { kind, group: reader.text(), name: reader.text() };
}

type Join = Extract<GroupCommand, { kind: 'join-group' }>;

function writeJoin(writer: ByteWriter, { seen, create, passwordHash }: Join): void {
  // No group has an empty id.
  writer.text(seen?.group ?? '');
  writer.integer(seen?.credential ?? 0);
  writer.byte(create ? 1 : 0);
  writeHash(writer, passwordHash);
}

function readJoin(reader: ByteReader): Join {
  const [name, group, credential] = [reader.text(), reader.text(), reader.integer()];
  const seen = group === '' ? null : { group, credential };
  return {
    kind: 'join-group',
    name,
    seen,
    create: reader.byte() === 1,
    passwordHash: readHash(reader),
  };
}

/** No hash is empty. */
function writeHash(writer: ByteWriter, hash: string | null): void {
  writer.text(hash ?? '');
}

function readHash(reader: ByteReader): string | null {
  return reader.text() || null;
}
