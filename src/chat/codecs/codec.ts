/**
 * Proposals as they stand in the log. Written by gateways, read by every node inside `apply`, so it must be total: bytes
 * that mean nothing are null, never a throw. Layout: version, numbering, actor, command (see `bytes.ts`).
 */

import type { Actor, Asked, Command, CursorAdvance, Numbering, Proposal } from '../vocabulary/types.ts';
import {
  readAccountCommand,
  writeAccountCommand,
  writeFullRegistration,
  writeReplacingLogin,
} from './account-codec.ts';
import { readAdministration, writeAdministration } from './administration-codec.ts';
import { readAmendmentCommand, writeAmendmentCommand } from './amendment-codec.ts';
import { type ByteReader, ByteWriter, MalformedBytes, readAll } from './bytes.ts';
import { readFileCommand, writeFileCommand } from './file-codec.ts';
import { readGroupCommand, writeGroupCommand } from './group-codec.ts';
import { readHookCommand, writeHookCommand } from './hook-codec.ts';
import { readImport, writeImport } from './import-codec.ts';
import { readBody, writeBody } from './message-codec.ts';
import { readRetentionCommand, writeRetentionCommand } from './retention-codec.ts';
import { askedTag, readSessionCommand, writeSessionCommand } from './session-codec.ts';
import { readTokenCommand, writeTokenCommand } from './token-codec.ts';

const version = 1;

/** Numbers of the kinds in the log: never reused, never changed. */
const tag = {
  register: 1,
  login: 2,
  logout: 3,
  deleteAccount: 4,
  /** A text that answers nothing and asks for no receipt, which most messages are. */
  sendText: 5,
  /** Of a version without read cursors: read, not written. */
  advanceDelivered: 6,
  send: 7,
  advanceCursors: 8,
  acknowledge: 9,
} as const;

// Scratch space: `begin` starts every encoding afresh.
const writer = new ByteWriter();

export function encodeProposal(proposal: Proposal): Uint8Array {
  writer.begin(version);
  writeNumbering(proposal.numbering);
  writeActor(proposal.actor, proposal.numbering?.session);
  if (proposal.command.kind === 'asked') writeAsked(proposal.command);
  else writeCommand(proposal.command);
  return writer.take();
}

/** Null when the bytes are no proposal of this version. */
export function decodeProposal(bytes: Uint8Array): Proposal | null {
  return readAll(bytes, readProposal);
}

function readProposal(reader: ByteReader): Proposal {
  if (reader.byte() !== version) throw new MalformedBytes('unknown version');
  const numbering = readNumbering(reader);
  const actor = readActor(reader, numbering?.session);
  const kind = reader.byte();
  return { numbering, actor, command: kind === askedTag ? readAsked(reader) : readCommand(reader, kind) };
}

function writeNumbering(numbering: Numbering | null): void {
  writer.byte(numbering === null ? 0 : 1);
  if (numbering === null) return;
  writer.text(numbering.session);
  writer.text(numbering.secretHash);
  writer.integer(numbering.sequence);
  writer.integer(numbering.lowest);
}

function readNumbering(reader: ByteReader): Numbering | null {
  if (!readFlag(reader)) return null;
  return {
    session: reader.text(),
    secretHash: reader.text(),
    sequence: reader.integer(),
    lowest: reader.integer(),
  };
}

/** How an actor's session is written. Almost always it is the one of the numbering, and then not repeated. */
const actorSession = { none: 0, own: 1, numbered: 2, line: 3, token: 4, hook: 5 } as const;

function writeActor(actor: Actor | null, numbered: string | undefined): void {
  writer.byte(actor === null ? 0 : 1);
  if (actor === null) return;
  writer.integer(actor.account);
  if (actor.session === null && actor.credential !== undefined) {
    writer.byte(actorSession.line);
    writer.integer(actor.credential);
  } else if (actor.session === null && actor.token !== undefined) {
    writer.byte(actorSession.token);
    writer.integer(actor.token);
  } else if (actor.session === null && actor.hook !== undefined) {
    writer.byte(actorSession.hook);
    writer.integer(actor.hook);
  } else if (actor.session === null) {
    writer.byte(actorSession.none);
  } else if (actor.session === numbered) {
    writer.byte(actorSession.numbered);
  } else {
    writer.byte(actorSession.own);
    writer.text(actor.session);
  }
}

function readActor(reader: ByteReader, numbered: string | undefined): Actor | null {
  if (!readFlag(reader)) return null;
  const account = reader.integer();
  const form = reader.byte();
  if (form === actorSession.none) return { account, session: null };
  if (form === actorSession.line) return { account, session: null, credential: reader.integer() };
  if (form === actorSession.token) return { account, session: null, token: reader.integer() };
  if (form === actorSession.hook) return { account, session: null, hook: reader.integer() };
  if (form === actorSession.own) return { account, session: reader.text() };
  if (form === actorSession.numbered && numbered !== undefined) return { account, session: numbered };
  throw new MalformedBytes('no such form of a session');
}

function writeFlag(flag: boolean): void {
  writer.byte(flag ? 1 : 0);
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.byte();
  if (flag > 1) throw new MalformedBytes('neither absent nor present');
  return flag === 1;
}

function writeAsked({ key, command }: Asked): void {
  writer.byte(askedTag);
  // No key is empty.
  writer.text(key ?? '');
  writeCommand(command);
}

function readAsked(reader: ByteReader): Asked {
  const key = reader.text() || null;
  return { kind: 'asked', key, command: readCommand(reader, reader.byte()) };
}

function writeCommand(command: Command): void {
  switch (command.kind) {
    case 'register':
      if (!isPlainRegistration(command)) {
        writeFullRegistration(writer, command);
        return;
      }
      writer.byte(tag.register);
      writer.text(command.name);
      writer.text(command.passwordHash);
      return;
    case 'login':
      if (command.previous !== undefined) {
        writeReplacingLogin(writer, command.account, command.credential, command.previous);
        return;
      }
      writer.byte(tag.login);
      writer.integer(command.account);
      writer.integer(command.credential);
      return;
    case 'logout':
      writer.byte(tag.logout);
      return;
    case 'delete-account':
      writer.byte(tag.deleteAccount);
      writer.text(command.name);
      return;
    case 'send':
      writeSend(command);
      return;
    case 'create-group':
    case 'announce-group':
    case 'join-group':
    case 'leave-group':
    case 'visit-group':
    case 'set-group-listener':
    case 'rename-group':
    case 'set-group-password':
    case 'remove-member':
    case 'transfer-group':
    case 'delete-group':
      writeGroupCommand(writer, command);
      return;
    case 'lease-upload':
    case 'cancel-upload':
    case 'send-file':
      writeFileCommand(writer, command);
      return;
    case 'edit-message':
    case 'delete-message':
    case 'react':
      writeAmendmentCommand(writer, command);
      return;
    case 'set-group-retention':
    case 'retain':
      writeRetentionCommand(writer, command);
      return;
    case 'import':
      writeImport(writer, command);
      return;
    case 'create-token':
    case 'revoke-token':
    case 'enter-token':
    case 'note-token-uses':
      writeTokenCommand(writer, command);
      return;
    case 'set-role':
    case 'note-action':
    case 'note-outcome':
      writeAdministration(writer, command);
      return;
    case 'derive-session':
      writeSessionCommand(writer, command);
      return;
    case 'create-hook':
    case 'remove-hook':
    case 'resume-hook':
    case 'post-to-hook':
    case 'note-hooks':
      writeHookCommand(writer, command);
      return;
    case 'advance-cursors':
      writer.byte(tag.advanceCursors);
      writer.integer(command.cursors.length);
      for (const cursor of command.cursors) writeCursor(cursor);
      return;
    case 'acknowledge':
      writeAcknowledge(command);
      return;
    default:
      writeAccountCommand(writer, command);
  }
}

function isPlainRegistration(command: Extract<Command, { kind: 'register' }>): boolean {
  const { uuid, displayName, email, invitation, names } = command;
  return (uuid ?? displayName ?? email ?? invitation ?? names) === undefined;
}

function writeTexts(kind: number, ...texts: readonly string[]): void {
  writer.byte(kind);
  for (const text of texts) writer.text(text);
}

function writeSend(command: Extract<Command, { kind: 'send' }>): void {
  const { to, body, replyTo, wantsReceipt } = command;
  if (body.kind === 'text' && body.via === undefined && replyTo === null && !wantsReceipt) {
    writeTexts(tag.sendText, to, body.text);
    return;
  }
  writeTexts(tag.send, to);
  // No message has the sequence 0.
  writer.integer(replyTo ?? 0);
  writeFlag(wantsReceipt);
  writeBody(writer, body);
}

function readSend(reader: ByteReader): Command {
  const [to, replyTo, wantsReceipt] = [reader.text(), reader.integer() || null, readFlag(reader)];
  return { kind: 'send', to, body: readBody(reader), replyTo, wantsReceipt };
}

function writeCursor({ account, conversation, delivered, read }: CursorAdvance): void {
  writer.integer(account);
  writer.text(conversation);
  writer.integer(delivered);
  writer.integer(read);
}

function readCursors(reader: ByteReader, withRead: boolean): Command {
  const cursors = Array.from({ length: reader.count() }, () => ({
    account: reader.integer(),
    conversation: reader.text(),
    delivered: reader.integer(),
    read: withRead ? reader.integer() : 0,
  }));
  return { kind: 'advance-cursors', cursors };
}

function writeAcknowledge({ messages, receipts }: Extract<Command, { kind: 'acknowledge' }>): void {
  writer.byte(tag.acknowledge);
  writer.integer(messages.length);
  for (const { account, conversation, sequence } of messages) {
    writer.integer(account);
    writer.text(conversation);
    writer.integer(sequence);
  }
  writer.integer(receipts.length);
  for (const { account, number } of receipts) {
    writer.integer(account);
    writer.integer(number);
  }
}

function readAcknowledge(reader: ByteReader): Command {
  const messages = Array.from({ length: reader.count() }, () => ({
    account: reader.integer(),
    conversation: reader.text(),
    sequence: reader.integer(),
  }));
  const receipts = Array.from({ length: reader.count() }, () => ({
    account: reader.integer(),
    number: reader.integer(),
  }));
  return { kind: 'acknowledge', messages, receipts };
}

function readText(reader: ByteReader): Command {
  const to = reader.text();
  return {
    kind: 'send',
    to,
    body: { kind: 'text', text: reader.text() },
    replyTo: null,
    wantsReceipt: false,
  };
}

function readCommand(reader: ByteReader, kind: number): Command {
  switch (kind) {
    case tag.register:
      return { kind: 'register', name: reader.text(), passwordHash: reader.text() };
    case tag.login:
      return { kind: 'login', account: reader.integer(), credential: reader.integer() };
    case tag.logout:
      return { kind: 'logout' };
    case tag.deleteAccount:
      return { kind: 'delete-account', name: reader.text() };
    case tag.sendText:
      return readText(reader);
    case tag.send:
      return readSend(reader);
    case tag.advanceDelivered:
      return readCursors(reader, false);
    case tag.advanceCursors:
      return readCursors(reader, true);
    case tag.acknowledge:
      return readAcknowledge(reader);
    default:
      return (
        readGroupCommand(reader, kind) ??
        readFileCommand(reader, kind) ??
        readAmendmentCommand(reader, kind) ??
        readRetentionCommand(reader, kind) ??
        readImport(reader, kind) ??
        readTokenCommand(reader, kind) ??
        readAdministration(reader, kind) ??
        readSessionCommand(reader, kind) ??
        readHookCommand(reader, kind) ??
        readAccountCommand(reader, kind)
      );
  }
}
