/** The command of `import-types.ts` as bytes. Its record is JSON: imports are rare, and their records are of many shapes. */

import type {
  ImportCommand,
  ImportedPlace,
  ImportReceipt,
  ImportRecord,
} from '../vocabulary/import-types.ts';
import type { MessageBody } from '../vocabulary/types.ts';
import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts';

/** Numbers in the log and in rows, from 100 on: never reused, never changed. */
const commandTag = 100;
const receiptTag = 100;

export function writeImport(writer: ByteWriter, { record }: ImportCommand): void {
  writer.byte(commandTag);
  writer.text(JSON.stringify(record));
}

/** Null when `kind` is none of this codec's. */
export function readImport(reader: ByteReader, kind: number): ImportCommand | null {
  if (kind !== commandTag) return null;
  const record = parseImportRecord(reader.text());
  if (record === null) throw new MalformedBytes('no record of an import');
  return { kind: 'import', record };
}

export function writeImportReceipt(writer: ByteWriter, { account, conversation }: ImportReceipt): void {
  writer.byte(receiptTag);
  writer.integer(account ?? 0);
  writer.text(conversation ?? '');
}

export function readImportReceipt(reader: ByteReader, kind: number): ImportReceipt | null {
  if (kind !== receiptTag) return null;
  return { kind: 'imported', account: reader.integer() || null, conversation: reader.text() || null };
}

/** Null when the text is no record. Total: the bytes come from the log, but a newer version may have written them. */
export function parseImportRecord(text: string): ImportRecord | null {
  try {
    return recordOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof MalformedBytes) return null;
    throw error;
  }
}

function recordOf(value: unknown): ImportRecord {
  const fields = new Fields(value);
  const kind = fields.text('kind');
  switch (kind) {
    case 'account':
      return {
        kind,
        accountKind: fields.oneOf('accountKind', ['member', 'bearer']),
        uuid: fields.text('uuid'),
        name: fields.text('name'),
        displayName: fields.textOrNull('displayName'),
        email: fields.textOrNull('email'),
        passwordHash: fields.text('passwordHash'),
        createdMs: fields.integer('createdMs'),
        sent: fields.integer('sent'),
      };
    case 'deleted-account':
      return { kind, uuid: fields.text('uuid') };
    case 'group': {
      const address = fields.inner('address');
      return {
        kind,
        name: fields.text('name'),
        owner: fields.integerOrNull('owner'),
        passwordHash: fields.textOrNull('passwordHash'),
        createdMs: fields.integer('createdMs'),
        address: address === null ? null : { host: address.text('host'), port: address.integer('port') },
      };
    }
    case 'direct': {
      const [first, second] = fields.integers('ends');
      if (first === undefined || second === undefined)
        throw new MalformedBytes('a conversation has two ends');
      return { kind, ends: [first, second], places: fields.list('places').map(placeOf) };
    }
    case 'member':
      return { kind, conversation: fields.text('conversation'), place: placeOf(fields.required('place')) };
    case 'message':
      return {
        kind,
        conversation: fields.text('conversation'),
        sequence: fields.integer('sequence'),
        from: fields.integer('from'),
        to: fields.integerOrNull('to'),
        number: fields.integer('number'),
        replyTo: fields.integerOrNull('replyTo'),
        body: bodyOf(fields.required('body')),
        sentMs: fields.integer('sentMs'),
      };
    case 'file':
      return { kind, manifest: fields.text('manifest'), bytes: fields.integer('bytes') };
    case 'kept':
      return {
        kind,
        conversation: fields.text('conversation'),
        ageMs: fields.integerOrNull('ageMs'),
        first: fields.integer('first'),
      };
    case 'amended':
      return {
        kind,
        conversation: fields.text('conversation'),
        sequence: fields.integer('sequence'),
        deleted: fields.flag('deleted'),
        editedMs: fields.integer('editedMs'),
        reactions: fields.list('reactions').map((reaction) => ({
          reaction: reaction.text('reaction'),
          accounts: reaction.integers('accounts'),
        })),
      };
    case 'receipt':
      return {
        kind,
        from: fields.integer('from'),
        number: fields.integer('number'),
        to: fields.integer('to'),
        conversation: fields.text('conversation'),
        sequence: fields.integer('sequence'),
        due: fields.flag('due'),
      };
    default:
      throw new MalformedBytes(`unknown record ${kind}`);
  }
}

function placeOf(fields: Fields): ImportedPlace {
  return {
    account: fields.integer('account'),
    joinedBehind: fields.integer('joinedBehind'),
    delivered: fields.integer('delivered'),
    read: fields.integer('read'),
    singles: fields.integers('singles'),
  };
}

function bodyOf(fields: Fields): MessageBody {
  const kind = fields.oneOf('kind', ['text', 'file']);
  if (kind === 'text') {
    const via = fields.textOrAbsent('via');
    return { kind, text: fields.text('text'), ...(via === undefined ? {} : { via }) };
  }
  const file = fields.required('file');
  const about = { name: file.text('name'), type: file.text('type') };
  return { kind, file: { ...about, bytes: file.integer('bytes'), manifest: file.text('manifest') } };
}

/** One object, whose fields are as they should be or `MalformedBytes` is thrown. */
class Fields {
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new MalformedBytes('no object');
    this.#value = value as Readonly<Record<string, unknown>>;
  }

  #field(key: string): unknown {
    return Object.hasOwn(this.#value, key) ? this.#value[key] : undefined;
  }

  text(key: string): string {
    const value = this.#field(key);
    if (typeof value !== 'string') throw new MalformedBytes(`${key} is no text`);
    return value;
  }

  textOrNull(key: string): string | null {
    return this.#field(key) === null ? null : this.text(key);
  }

  textOrAbsent(key: string): string | undefined {
    return this.#field(key) === undefined ? undefined : this.text(key);
  }

  oneOf<Choice extends string>(key: string, choices: readonly Choice[]): Choice {
    const value = this.text(key);
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw new MalformedBytes(`${key} is none of its choices`);
    return choice;
  }

  integer(key: string): number {
    return natural(this.#field(key), key);
  }

  integerOrNull(key: string): number | null {
    return this.#field(key) === null ? null : this.integer(key);
  }

  integers(key: string): readonly number[] {
    return this.#array(key).map((value) => natural(value, key));
  }

  flag(key: string): boolean {
    const value = this.#field(key);
    if (typeof value !== 'boolean') throw new MalformedBytes(`${key} is no flag`);
    return value;
  }

  list(key: string): readonly Fields[] {
    return this.#array(key).map((value) => new Fields(value));
  }

  required(key: string): Fields {
    return new Fields(this.#field(key));
  }

  inner(key: string): Fields | null {
    return this.#field(key) === null ? null : this.required(key);
  }

  #array(key: string): readonly unknown[] {
    const value = this.#field(key);
    if (!Array.isArray(value)) throw new MalformedBytes(`${key} is no list`);
    return value;
  }
}

function natural(value: unknown, key: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new MalformedBytes(`${key} is no natural number`);
}
