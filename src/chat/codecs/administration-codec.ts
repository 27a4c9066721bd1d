/** Commands, receipts and rows of `administration-types.ts` as bytes. */
import { unreachable } from '../../base/assert.ts';
import type {
  ActionActor,
  ActionRecord,
  AdministrationCommand,
  AdministrationReceipt,
} from '../vocabulary/administration-types.ts';
import type { AccountId } from '../vocabulary/types.ts';
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';

/** Numbers of the kinds in the log, from 114 on: never reused, never changed. */
const commandTag = { setRole: 114, noteAction: 115, noteOutcome: 116 } as const;
const receiptTag = { actionNoted: 114 } as const;
const actorTag = { account: 1, operator: 2, page: 3 } as const;
const version = 1;

// Scratch space: `begin` starts every encoding afresh.
const rows = new ByteWriter();

export function writeAdministration(writer: ByteWriter, command: AdministrationCommand): void {
  switch (command.kind) {
    case 'set-role':
      writer.byte(commandTag.setRole);
      writer.integer(command.account);
      writeFlag(writer, command.administrator);
      return;
    case 'note-action':
      writer.byte(commandTag.noteAction);
      writeActor(writer, command.by);
      writer.text(command.action);
      writer.text(command.subject);
      writer.integer(command.node);
      writeFlag(writer, command.joins);
      return;
    case 'note-outcome':
      writer.byte(commandTag.noteOutcome);
      writer.integer(command.action);
      writer.text(command.outcome);
      return;
    default:
      unreachable(command);
  }
}

/** Null when `kind` is none of this codec's. */
export function readAdministration(reader: ByteReader, kind: number): AdministrationCommand | null {
  switch (kind) {
    case commandTag.setRole:
      return { kind: 'set-role', account: reader.integer(), administrator: readFlag(reader) };
    case commandTag.noteAction:
      return {
        kind: 'note-action',
        by: readActor(reader),
        action: reader.text(),
        subject: reader.text(),
        node: reader.integer(),
        joins: readFlag(reader),
      };
    case commandTag.noteOutcome:
      return { kind: 'note-outcome', action: reader.integer(), outcome: reader.text() };
    default:
      return null;
  }
}

export function writeAdministrationReceipt(writer: ByteWriter, { action }: AdministrationReceipt): void {
  writer.byte(receiptTag.actionNoted);
  writer.integer(action);
}

export function readAdministrationReceipt(reader: ByteReader, kind: number): AdministrationReceipt | null {
  return kind === receiptTag.actionNoted ? { kind: 'action-noted', action: reader.integer() } : null;
}

export function encodeGrant(): Uint8Array {
  rows.begin(version);
  return rows.take();
}

export function decodeGrant(account: AccountId, value: Uint8Array): AccountId | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    return account;
  });
}

export function encodeAction(action: ActionRecord): Uint8Array {
  rows.begin(version);
  writeActor(rows, action.by);
  rows.text(action.action);
  rows.text(action.subject);
  rows.integer(action.node);
  rows.integer(action.beganMs);
  // No outcome is empty.
  rows.text(action.outcome ?? '');
  rows.integer(action.endedMs ?? 0);
  rows.integer(action.times);
  return rows.take();
}

export function decodeAction(number: number, value: Uint8Array): ActionRecord | null {
  return readAll(value, (reader) => {
    readVersion(reader);
    const [by, action, subject] = [readActor(reader), reader.text(), reader.text()];
    const [node, beganMs] = [reader.integer(), reader.integer()];
    const [outcome, endedMs] = [reader.text() || null, reader.integer()];
    const times = reader.integer();
    const end = { outcome, endedMs: outcome === null ? null : endedMs };
    return { number, by, action, subject, node, beganMs, ...end, times };
  });
}

function writeActor(writer: ByteWriter, actor: ActionActor): void {
  writer.byte(actorTag[actor.kind]);
  if (actor.kind !== 'account') return;
  writer.integer(actor.account);
  writer.text(actor.name);
}

function readActor(reader: ByteReader): ActionActor {
  switch (reader.byte()) {
    case actorTag.account:
      return { kind: 'account', account: reader.integer(), name: reader.text() };
    case actorTag.operator:
      return { kind: 'operator' };
    case actorTag.page:
      return { kind: 'page' };
    default:
      throw new MalformedBytes('no such actor');
  }
}

function writeFlag(writer: ByteWriter, flag: boolean): void {
  writer.byte(flag ? 1 : 0);
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.byte();
  if (flag > 1) throw new MalformedBytes('neither yes nor no');
  return flag === 1;
}

function readVersion(reader: ByteReader): void {
  if (reader.byte() !== version) throw new MalformedBytes('unknown version');
}
