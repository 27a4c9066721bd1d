/** Commands and receipts of `account-types.ts` as bytes: the share of accounts in `codec.ts` and `receipt-codec.ts`. */
import { unreachable } from '../../base/assert.ts';
import type { AccountCommand, AccountReceipt } from '../vocabulary/account-types.ts';
import type { Command } from '../vocabulary/types.ts';
import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts';

/** Numbers of the kinds in the log and in rows, from 60 on: never reused, never changed. */
const commandTag = {
  register: 60,
  changePassword: 61,
  rehash: 62,
  setProfile: 63,
  enterGuest: 64,
  renewGuests: 65,
  registerBearer: 66,
  noteAttempts: 67,
  createInvitation: 68,
  login: 69,
} as const;

const receiptTag = {
  passwordChanged: 60,
  profileSet: 61,
  guestEntered: 62,
  bearerRegistered: 63,
  noted: 64,
} as const;

type Register = Extract<Command, { kind: 'register' }>;
type Login = Extract<Command, { kind: 'login' }>;

/** A registration with more than a name and a password. */
export function writeFullRegistration(writer: ByteWriter, command: Register): void {
  writer.byte(commandTag.register);
  writer.text(command.name);
  writer.text(command.passwordHash);
  for (const part of [command.uuid, command.displayName, command.email, command.invitation]) {
    writeOptional(writer, part);
  }
  writeNames(writer, command.names);
}

/** A login that ends an earlier session. */
export function writeReplacingLogin(
  writer: ByteWriter,
  account: number,
  credential: number,
  previous: NonNullable<Login['previous']>,
): void {
  writer.byte(commandTag.login);
  writer.integer(account);
  writer.integer(credential);
  writer.text(previous.session);
  writer.text(previous.secretHash);
}

export function writeAccountCommand(writer: ByteWriter, command: AccountCommand): void {
  switch (command.kind) {
    case 'change-password':
      writer.byte(commandTag.changePassword);
      writer.integer(command.credential);
      writer.text(command.passwordHash);
      return;
    case 'rehash':
      writer.byte(commandTag.rehash);
      writer.integer(command.account);
      writer.integer(command.credential);
      writer.text(command.passwordHash);
      return;
    case 'set-profile':
      writer.byte(commandTag.setProfile);
      writeOptional(writer, command.displayName);
      writeOptional(writer, command.email);
      return;
    case 'enter-guest':
      writer.byte(commandTag.enterGuest);
      writer.text(command.name);
      writer.text(command.uuid);
      writeNames(writer, command.names);
      return;
    case 'renew-guests':
      writer.byte(commandTag.renewGuests);
      writer.integer(command.accounts.length);
      for (const account of command.accounts) writer.integer(account);
      return;
    case 'register-bearer':
      writer.byte(commandTag.registerBearer);
      writer.text(command.secretHash);
      writer.text(command.uuid);
      writeOptional(writer, command.invitation);
      return;
    case 'create-invitation':
      writer.byte(commandTag.createInvitation);
      writer.text(command.codeHash);
      writer.integer(command.uses);
      writer.integer(command.lifetimeMs);
      return;
    case 'note-attempts':
      writer.byte(commandTag.noteAttempts);
      writer.integer(command.attempts.length);
      for (const { key, failures, cleared } of command.attempts) {
        writer.text(key);
        writer.integer(failures);
        writer.byte(cleared ? 1 : 0);
      }
      return;
    default:
      unreachable(command);
  }
}

export function readAccountCommand(reader: ByteReader, kind: number): AccountCommand | Register | Login {
  switch (kind) {
    case commandTag.register:
      return readRegistration(reader);
    case commandTag.login:
      return {
        kind: 'login',
        account: reader.integer(),
        credential: reader.integer(),
        previous: { session: reader.text(), secretHash: reader.text() },
      };
    case commandTag.changePassword:
      return { kind: 'change-password', credential: reader.integer(), passwordHash: reader.text() };
    case commandTag.rehash:
      return {
        kind: 'rehash',
        account: reader.integer(),
        credential: reader.integer(),
        passwordHash: reader.text(),
      };
    case commandTag.setProfile: {
      const displayName = readOptional(reader);
      const email = readOptional(reader);
      return {
        kind: 'set-profile',
        ...(displayName === undefined ? {} : { displayName }),
        ...(email === undefined ? {} : { email }),
      };
    }
    case commandTag.enterGuest:
      return { kind: 'enter-guest', name: reader.text(), uuid: reader.text(), ...readNames(reader) };
    case commandTag.renewGuests:
      return {
        kind: 'renew-guests',
        accounts: Array.from({ length: reader.count() }, () => reader.integer()),
      };
    case commandTag.registerBearer:
      return {
        kind: 'register-bearer',
        secretHash: reader.text(),
        uuid: reader.text(),
        ...readInvitation(reader),
      };
    case commandTag.createInvitation:
      return {
        kind: 'create-invitation',
        codeHash: reader.text(),
        uses: reader.integer(),
        lifetimeMs: reader.integer(),
      };
    case commandTag.noteAttempts:
      return {
        kind: 'note-attempts',
        attempts: Array.from({ length: reader.count() }, () => ({
          key: reader.text(),
          failures: reader.integer(),
          cleared: reader.byte() === 1,
        })),
      };
    default:
      throw new MalformedBytes(`unknown command ${kind}`);
  }
}

function readRegistration(reader: ByteReader): Register {
  const command = { kind: 'register', name: reader.text(), passwordHash: reader.text() } as const;
  const uuid = readOptional(reader);
  const displayName = readOptional(reader);
  const email = readOptional(reader);
  return {
    ...command,
    ...(typeof uuid === 'string' ? { uuid } : {}),
    ...(typeof displayName === 'string' ? { displayName } : {}),
    ...(typeof email === 'string' ? { email } : {}),
    ...readInvitation(reader),
    ...readNames(reader),
  };
}

export function writeAccountReceipt(writer: ByteWriter, receipt: AccountReceipt): void {
  switch (receipt.kind) {
    case 'password-changed':
      writer.byte(receiptTag.passwordChanged);
      return;
    case 'profile-set':
      writer.byte(receiptTag.profileSet);
      return;
    case 'guest-entered':
    case 'bearer-registered':
      writer.byte(receipt.kind === 'guest-entered' ? receiptTag.guestEntered : receiptTag.bearerRegistered);
      writer.integer(receipt.account);
      writer.text(receipt.name);
      return;
    case 'noted':
      writer.byte(receiptTag.noted);
      return;
    default:
      unreachable(receipt);
  }
}

export function readAccountReceipt(reader: ByteReader, kind: number): AccountReceipt {
  switch (kind) {
    case receiptTag.passwordChanged:
      return { kind: 'password-changed' };
    case receiptTag.profileSet:
      return { kind: 'profile-set' };
    case receiptTag.guestEntered:
      return { kind: 'guest-entered', account: reader.integer(), name: reader.text() };
    case receiptTag.bearerRegistered:
      return { kind: 'bearer-registered', account: reader.integer(), name: reader.text() };
    case receiptTag.noted:
      return { kind: 'noted' };
    default:
      throw new MalformedBytes(`unknown receipt ${kind}`);
  }
}

const presence = { absent: 0, none: 1, given: 2 } as const;

function readInvitation(reader: ByteReader): { readonly invitation?: string } {
  const invitation = readOptional(reader);
  return typeof invitation === 'string' ? { invitation } : {};
}

function writeNames(writer: ByteWriter, names: 'unicode' | undefined): void {
  writer.byte(names === undefined ? 0 : 1);
}

function readNames(reader: ByteReader): { readonly names?: 'unicode' } {
  const form = reader.byte();
  if (form > 1) throw new MalformedBytes('no such rule of names');
  return form === 1 ? { names: 'unicode' } : {};
}

function writeOptional(writer: ByteWriter, text: string | null | undefined): void {
  if (text === undefined) writer.byte(presence.absent);
  else if (text === null) writer.byte(presence.none);
  else {
    writer.byte(presence.given);
    writer.text(text);
  }
}

function readOptional(reader: ByteReader): string | null | undefined {
  const form = reader.byte();
  if (form === presence.absent) return undefined;
  if (form === presence.none) return null;
  if (form === presence.given) return reader.text();
  throw new MalformedBytes('neither absent, none nor given');
}
