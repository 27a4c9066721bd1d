/** Commands and receipts of `file-types.ts` as bytes: the share of files in `codec.ts`, `receipt-codec.ts` and `message-codec.ts`. */
import { unreachable } from '../../base/assert.ts';
import type { FileCommand, FileDescription, FileReceipt } from '../vocabulary/file-types.ts';
import { type ByteReader, type ByteWriter, MalformedBytes } from './bytes.ts';

/** Numbers of the kinds in the log, from 80 to 89: never reused, never changed. */
const commandTag = {
  'lease-upload': 80,
  'cancel-upload': 81,
  'send-file': 82,
} as const satisfies Record<FileCommand['kind'], number>;

/** The same in a session's row. */
const receiptTag = {
  'upload-leased': 80,
  'upload-cancelled': 81,
} as const satisfies Record<FileReceipt['kind'], number>;

export function writeFileCommand(writer: ByteWriter, command: FileCommand): void {
  writer.byte(commandTag[command.kind]);
  switch (command.kind) {
    case 'lease-upload':
      writer.text(command.manifest);
      writer.integer(command.bytes);
      writer.integer(command.quota.fileBytes);
      writer.integer(command.quota.accountBytes);
      writer.integer(command.quota.clusterBytes);
      return;
    case 'cancel-upload':
      writer.text(command.manifest);
      return;
    case 'send-file':
      writer.text(command.to);
      // No message has the sequence 0.
      writer.integer(command.replyTo ?? 0);
      writer.byte(command.complete ? 1 : 0);
      writeFile(writer, command.file);
      return;
    default:
      unreachable(command);
  }
}

/** Null when it is a command of another kind. */
export function readFileCommand(reader: ByteReader, kind: number): FileCommand | null {
  switch (kind) {
    case commandTag['lease-upload']:
      return {
        kind: 'lease-upload',
        manifest: reader.text(),
        bytes: reader.integer(),
        quota: {
          fileBytes: reader.integer(),
          accountBytes: reader.integer(),
          clusterBytes: reader.integer(),
        },
      };
    case commandTag['cancel-upload']:
      return { kind: 'cancel-upload', manifest: reader.text() };
    case commandTag['send-file']: {
      const [to, replyTo, complete] = [reader.text(), reader.integer() || null, reader.byte()];
      if (complete > 1) throw new MalformedBytes('neither complete nor not');
      return { kind: 'send-file', to, file: readFile(reader), replyTo, complete: complete === 1 };
    }
    default:
      return null;
  }
}

export function writeFileReceipt(writer: ByteWriter, receipt: FileReceipt): void {
  writer.byte(receiptTag[receipt.kind]);
  writer.text(receipt.manifest);
  if (receipt.kind === 'upload-leased') writer.integer(receipt.bytes);
}

/** Null when it is a receipt of another kind. */
export function readFileReceipt(reader: ByteReader, kind: number): FileReceipt | null {
  switch (kind) {
    case receiptTag['upload-leased']:
      return { kind: 'upload-leased', manifest: reader.text(), bytes: reader.integer() };
    case receiptTag['upload-cancelled']:
      return { kind: 'upload-cancelled', manifest: reader.text() };
    default:
      return null;
  }
}

export function writeFile(writer: ByteWriter, file: FileDescription): void {
  writer.text(file.name);
  writer.text(file.type);
  writer.integer(file.bytes);
  writer.text(file.manifest);
}

export function readFile(reader: ByteReader): FileDescription {
  return { name: reader.text(), type: reader.text(), bytes: reader.integer(), manifest: reader.text() };
}
