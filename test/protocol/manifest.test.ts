import fc from 'fast-check';
import t from 'tap';
import {
  chunkBytes,
  chunkCount,
  chunkLength,
  decodeManifest,
  encodeManifest,
  isAddress,
  largestFileBytes,
  manifestBytes,
} from '../../src/protocol/manifest.ts';

const address = (seed: number): string => seed.toString(16).padStart(64, '0');
const of = (bytes: number): { bytes: number; chunks: string[] } => ({
  bytes,
  chunks: Array.from({ length: chunkCount(bytes) }, (_, at) => address(at + 1)),
});

t.test('manifest: what is encoded is decoded again', async (t) => {
  for (const bytes of [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 10 * chunkBytes + 5]) {
    t.strictSame(decodeManifest(encodeManifest(of(bytes))), of(bytes));
  }
  const largest = encodeManifest(of(largestFileBytes));
  t.ok(largest.length <= manifestBytes);
  t.equal(decodeManifest(largest)?.bytes, largestFileBytes);
});

t.test('manifest: the last chunk holds the rest', async (t) => {
  const manifest = of(2 * chunkBytes + 7);
  t.strictSame(
    [0, 1, 2].map((place) => chunkLength(manifest, place)),
    [chunkBytes, chunkBytes, 7],
  );
  t.equal(chunkLength(of(chunkBytes), 0), chunkBytes);
});

t.test('manifest: parts that do not fit each other are refused, as is any other bytes', async (t) => {
  const whole = encodeManifest(of(3 * chunkBytes));
  t.equal(decodeManifest(whole.slice(0, -32)), null, 'a chunk too few');
  t.equal(decodeManifest(Buffer.concat([whole, new Uint8Array(32)])), null, 'a chunk too many');
  t.equal(decodeManifest(whole.slice(0, -1)), null);
  const other = whole.slice();
  other[0] = 2;
  t.equal(decodeManifest(other), null, 'another version');
  const otherSize = whole.slice();
  otherSize[5] = 1;
  t.equal(decodeManifest(otherSize), null, 'another size of chunks');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const manifest = decodeManifest(bytes);
      return manifest === null || Buffer.compare(encodeManifest(manifest), bytes) === 0;
    }),
  );
});

t.test('manifest: an address is 64 hex digits in lower case', async (t) => {
  t.ok(isAddress(address(5)));
  for (const wrong of ['', 'a'.repeat(63), 'A'.repeat(64), `${'a'.repeat(63)}g`, 'a'.repeat(65)]) {
    t.notOk(isAddress(wrong));
  }
});
