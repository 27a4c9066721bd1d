import { randomBytes } from 'node:crypto';
import t from 'tap';
import { decrypted, type EnvelopeHead, encrypted, HEAD_BYTES } from '../../src/backup/envelope.ts';

const key = randomBytes(32);
const head: EnvelopeHead = { source: { kind: 'key' }, salt: randomBytes(32) };
const sealedChunkBytes = 65_536 + 16;
const content = randomBytes(2 * 65_536 + 1_000);

async function* pieces(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function gathered(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function seal(bytes: Uint8Array): Promise<Buffer> {
  return gathered(encrypted(pieces(bytes), head, async () => key));
}

function open(file: Uint8Array, secret: Uint8Array = key): Promise<Buffer> {
  return gathered(decrypted(pieces(file, 7_777), async () => secret));
}

const invalid = { code: 'BACKUP_INVALID' };

t.test('envelope: what was put in comes out, whatever its length', async (t) => {
  for (const length of [0, 1, 65_535, 65_536, 65_537, 131_072, content.length]) {
    const file = await seal(content.subarray(0, length));
    t.ok((await open(file)).equals(content.subarray(0, length)), `${length} bytes`);
  }
  const file = await seal(content);
  t.equal(file.includes(content.subarray(100, 132)), false, 'nothing of it can be read');
});

t.test('envelope: one changed byte, wherever it is, is refused (SECURITY 40)', async (t) => {
  const file = await seal(content);
  const inChunks = [0, 1, 2].flatMap((chunk) => {
    const start = HEAD_BYTES + chunk * sealedChunkBytes;
    return [start, start + 500];
  });
  const tags = [HEAD_BYTES + 65_536, HEAD_BYTES + sealedChunkBytes - 1, file.length - 16, file.length - 1];
  const all = [...Array.from({ length: HEAD_BYTES }, (_, at) => at), ...inChunks, ...tags];
  for (const at of all) {
    const changed = Buffer.from(file);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    await t.rejects(open(changed), invalid, `byte ${at}`);
  }
});

t.test('envelope: what was cut off, left out, exchanged, repeated or added is refused', async (t) => {
  const file = await seal(content);
  const first = HEAD_BYTES;
  const [second, third] = [first + sealedChunkBytes, first + 2 * sealedChunkBytes];
  const damaged: Readonly<Record<string, Buffer>> = {
    nothing: Buffer.alloc(0),
    'a part of the head': file.subarray(0, 50),
    'the head alone': file.subarray(0, first),
    'one byte less': file.subarray(0, -1),
    'the last chunk missing': file.subarray(0, third),
    'a chunk missing': Buffer.concat([file.subarray(0, first), file.subarray(second)]),
    'two chunks exchanged': Buffer.concat([
      file.subarray(0, first),
      file.subarray(second, third),
      file.subarray(first, second),
      file.subarray(third),
    ]),
    'a chunk repeated': Buffer.concat([file.subarray(0, second), file.subarray(first)]),
    'a byte more': Buffer.concat([file, Buffer.from([0])]),
    'another one behind it': Buffer.concat([file, file]),
  };
  for (const [name, bytes] of Object.entries(damaged)) await t.rejects(open(bytes), invalid, name);
  const other = await gathered(
    encrypted(pieces(content), { ...head, salt: randomBytes(32) }, async () => key),
  );
  const spliced = Buffer.concat([file.subarray(0, second), other.subarray(second)]);
  await t.rejects(open(spliced), invalid, 'chunks of another backup under the same key');
});

t.test('envelope: another key is refused before anything is given out', async (t) => {
  const file = await seal(content);
  const stream = decrypted(pieces(file), async () => randomBytes(32));
  await t.rejects(stream.next(), { code: 'BACKUP_INVALID', message: /key or passphrase is not the one/ });
});
