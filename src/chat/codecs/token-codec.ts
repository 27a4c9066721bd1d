/** Commands and receipts of `token-types.ts` as bytes: the share of tokens in `codec.ts` and `receipt-codec.ts`. */
import { unreachable } from '../../base/assert.ts';
import {
  type TokenCommand,
  type TokenReceipt,
  type TokenScope,
  tokenScopes,
} from '../vocabulary/token-types.ts';
import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts';

/** Numbers of the kinds in the log, from 101 to 104: never reused, never changed. */
const commandTag = {
  'create-token': 101,
  'revoke-token': 102,
  'enter-token': 103,
  'note-token-uses': 104,
} as const satisfies Record<TokenCommand['kind'], number>;

/** The same in a session's row. */
const receiptTag = {
  'token-created': 101,
  'token-revoked': 102,
  'token-entered': 103,
} as const satisfies Record<TokenReceipt['kind'], number>;

export function writeTokenCommand(writer: ByteWriter, command: TokenCommand): void {
  writer.byte(commandTag[command.kind]);
  switch (command.kind) {
    case 'create-token':
      writer.text(command.name);
      writer.text(command.hash);
      writeScopes(writer, command.scopes);
      writer.byte(command.lifetimeMs === null ? 0 : 1);
      if (command.lifetimeMs !== null) writer.integer(command.lifetimeMs);
      return;
    case 'revoke-token':
      writer.integer(command.token);
      return;
    case 'enter-token':
      writer.text(command.hash);
      return;
    case 'note-token-uses':
      writer.integer(command.tokens.length);
      for (const token of command.tokens) writer.integer(token);
      return;
    default:
      unreachable(command);
  }
}

/** Null when it is a command of another kind. */
export function readTokenCommand(reader: ByteReader, kind: number): TokenCommand | null {
  switch (kind) {
    case commandTag['create-token']:
      return {
        kind: 'create-token',
        name: reader.text(),
        hash: reader.text(),
        scopes: readScopes(reader),
        lifetimeMs: reader.byte() === 0 ? null : reader.integer(),
      };
    case commandTag['revoke-token']:
      return { kind: 'revoke-token', token: reader.integer() };
    case commandTag['enter-token']:
      return { kind: 'enter-token', hash: reader.text() };
    case commandTag['note-token-uses']:
      return {
        kind: 'note-token-uses',
        tokens: Array.from({ length: reader.count() }, () => reader.integer()),
      };
    default:
      return null;
  }
}

export function writeTokenReceipt(writer: ByteWriter, receipt: TokenReceipt): void {
  writer.byte(receiptTag[receipt.kind]);
  switch (receipt.kind) {
    case 'token-created':
      writer.integer(receipt.token);
      writer.integer(receipt.expiresMs ?? 0);
      return;
    case 'token-revoked':
      writer.integer(receipt.token);
      return;
    case 'token-entered':
      writer.integer(receipt.account);
      writer.text(receipt.name);
      writer.integer(receipt.token);
      return;
    default:
      unreachable(receipt);
  }
}

/** Null when it is a receipt of another kind. */
export function readTokenReceipt(reader: ByteReader, kind: number): TokenReceipt | null {
  switch (kind) {
    case receiptTag['token-created']:
      return { kind: 'token-created', token: reader.integer(), expiresMs: reader.integer() || null };
    case receiptTag['token-revoked']:
      return { kind: 'token-revoked', token: reader.integer() };
    case receiptTag['token-entered']:
      return {
        kind: 'token-entered',
        account: reader.integer(),
        name: reader.text(),
        token: reader.integer(),
      };
    default:
      return null;
  }
}

/** One bit each: the order in which they were given is lost, and with it what was given twice. */
export function writeScopes(writer: ByteWriter, scopes: readonly TokenScope[]): void {
  writer.integer(scopes.reduce((bits, scope) => bits | (1 << tokenScopes.indexOf(scope)), 0));
}

export function readScopes(reader: ByteReader): readonly TokenScope[] {
  const bits = reader.integer();
  if (bits >= 1 << tokenScopes.length) throw new MalformedBytes('no such scope');
  return tokenScopes.filter((_, at) => (bits & (1 << at)) !== 0);
}
