import fc from 'fast-check';
import t from 'tap';
import { type Line, LineSplitter } from '../../src/protocol/lines.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);

function texts(lines: readonly Line[]): string[] {
  return lines.map((line) => (line.kind === 'line' ? line.text : `<${line.kind}>`));
}

t.test('lines: both ends of line, several in a chunk, and halves over chunks', async (t) => {
  const splitter = new LineSplitter();
  t.same(texts(splitter.push(bytesOf('1|a|b\r\n4\n\nd|a'))), ['1|a|b', '4', '']);
  t.equal(splitter.startedBytes, 3);
  t.same(texts(splitter.push(bytesOf('|x\r'))), []);
  t.same(texts(splitter.push(bytesOf('\nq\n'))), ['d|a|x', 'q']);
  t.equal(splitter.startedBytes, 0);
  t.same(texts(splitter.push(bytesOf('a\rb\r\r\n'))), ['a\rb\r'], 'only the last return is part of the end');
});

t.test('property: how the bytes are cut into chunks makes no difference', async () => {
  const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replace(/[\n\r\0]/g, ''));
  fc.assert(
    fc.property(fc.array(line), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (all, sizes) => {
      const bytes = bytesOf(all.map((text) => `${text}\r\n`).join(''));
      const splitter = new LineSplitter();
      const found: string[] = [];
      for (let from = 0; from < bytes.length; ) {
        const size = sizes.next().value ?? 1;
        found.push(...texts(splitter.push(bytes.subarray(from, from + size))));
        from += size;
      }
      return JSON.stringify(found) === JSON.stringify(all);
    }),
    { numRuns: 300 },
  );
});

t.test('lines: exactly the limit passes, one byte more is refused and ends everything', async (t) => {
  for (const end of ['\n', '\r\n']) {
    for (const cut of [0, 1, 4, 7, 8, 9]) {
      const fits = bytesOf(`12345678${end}ok${end}`);
      const passing = new LineSplitter(8);
      t.same(
        texts([...passing.push(fits.subarray(0, cut)), ...passing.push(fits.subarray(cut))]),
        ['12345678', 'ok'],
        `${JSON.stringify(end)} cut at ${cut}`,
      );
      const over = bytesOf(`123456789${end}ok${end}`);
      const refusing = new LineSplitter(8);
      t.same(texts([...refusing.push(over.subarray(0, cut)), ...refusing.push(over.subarray(cut))]), [
        '<too-long>',
      ]);
      t.same(texts(refusing.push(bytesOf('more\n'))), [], 'nothing follows');
    }
  }
});

t.test('lines: a line that can no longer fit is refused without waiting for its end', async (t) => {
  const splitter = new LineSplitter(8);
  t.same(texts(splitter.push(bytesOf('12345678'))), []);
  t.same(texts(splitter.push(bytesOf('9'))), ['<too-long>']);
  const returning = new LineSplitter(8);
  t.same(texts(returning.push(bytesOf('12345678\r'))), []);
  t.same(texts(returning.push(bytesOf('x'))), ['<too-long>']);
  const flood = new LineSplitter();
  t.same(texts(flood.push(new Uint8Array(1_000_000).fill(120))), ['<too-long>']);
  t.equal(flood.startedBytes, 0, 'nothing is kept');
});

t.test('lines: bad UTF-8 and NUL are refused line by line, the rest goes on', async (t) => {
  const splitter = new LineSplitter();
  const bad = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x92], [0xc0, 0x80], [97, 0, 98]];
  for (const bytes of bad) {
    t.same(texts(splitter.push(Uint8Array.of(...bytes, 10, 52, 10))), ['<bad-encoding>', '4'], bytes.join());
  }
  t.same(texts(splitter.push(bytesOf('\ufeff4\n💬\n'))), ['\ufeff4', '💬'], 'a byte-order mark is not eaten');
});

t.test('property: no bytes make it throw, and what it keeps is bounded', async () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const splitter = new LineSplitter(16);
      return chunks.every((chunk) => {
        splitter.push(chunk);
        return splitter.startedBytes <= 17;
      });
    }),
  );
});
