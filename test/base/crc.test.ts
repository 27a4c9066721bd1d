import t from 'tap';
import { crc32c } from '../../src/base/crc.ts';
import { seededRandom } from '../../src/base/prng.ts';

/** Bit by bit, straight from the definition. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

t.test('crc: the check values of RFC 3720 come out', async (t) => {
  t.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  t.equal(crc32c(new Uint8Array(0)), 0);
});

t.test('crc: any length, start and seed agree with the definition', async (t) => {
  const random = seededRandom(7);
  const bytes = Uint8Array.from({ length: 100 }, () => random.below(256));
  for (let start = 0; start < 20; start++) {
    for (let end = start; end <= bytes.length; end += 3) {
      const slice = bytes.subarray(start, end);
      const middle = (start + end) >> 1;
      if (crc32c(bytes, 0, start, end) !== slowCrc(slice)) t.fail(`[${start}, ${end})`);
      if (crc32c(bytes, crc32c(bytes, 0, start, middle), middle, end) !== slowCrc(slice))
        t.fail(`[${start}, ${end}) in two`);
    }
  }
});
