import fc from 'fast-check';
import t from 'tap';
import {
  chunksPerQuestion,
  decodeCompleteness,
  decodeCopy,
  decodeHoldings,
  decodeQuestion,
  decodeStored,
  encodeCompleteness,
  encodeCopy,
  encodeHoldings,
  encodeQuestion,
  encodeStored,
  type Question,
} from '../../src/files/exchange.ts';

const address = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const question: fc.Arbitrary<Question> = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    manifest: address,
    address,
    content: fc.uint8Array({ maxLength: 200 }),
  }),
  fc.record({ kind: fc.constant('holds' as const), manifest: address }),
  fc.record({
    kind: fc.constant('get' as const),
    addresses: fc.array(address, { minLength: 1, maxLength: chunksPerQuestion }),
  }),
  fc.constant({ kind: 'complete' as const }),
);

t.test('exchange: every question comes back as it was', async (t) => {
  fc.assert(
    fc.property(question, (asked) => {
      t.same(decodeQuestion(encodeQuestion(asked)), asked);
    }),
  );
});

t.test('exchange: whatever else comes is no question, and none throws', async () => {
  fc.assert(
    fc.property(question, fc.nat(), fc.integer({ min: 0, max: 255 }), (asked, where, byte) => {
      const bytes = encodeQuestion(asked).slice();
      bytes[where % bytes.length] = byte;
      decodeQuestion(bytes);
      decodeQuestion(bytes.subarray(0, where % bytes.length));
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 100 }), (bytes, count) => {
      decodeQuestion(bytes);
      decodeStored(bytes);
      decodeHoldings(bytes, count);
      decodeCompleteness(bytes);
      decodeCopy(bytes);
    }),
  );
});

t.test('exchange: answers come back as they were, and nothing is read into nonsense', async (t) => {
  for (const held of [[], [true], [false, true, true], Array.from({ length: 17 }, (_, at) => at % 3 === 0)]) {
    t.strictSame(decodeHoldings(encodeHoldings(held), held.length), held);
  }
  t.equal(decodeHoldings(encodeHoldings(null), 3), null);
  t.equal(decodeHoldings(encodeHoldings([true]), 9), null, 'of another manifest');
  t.equal(decodeHoldings(undefined, 0), null);
  for (const stored of ['stored', 'no-upload', 'busy', 'failed', 'no-room'] as const) {
    t.equal(decodeStored(encodeStored(stored)), stored);
  }
  t.equal(decodeStored(Uint8Array.of(200)), 'failed');
  t.equal(decodeStored(undefined), 'failed');
  for (const missing of [null, 0, 7, 2 ** 32 - 1]) {
    t.equal(decodeCompleteness(encodeCompleteness(missing)), missing);
  }
  t.strictSame(decodeCopy(encodeCopy(Uint8Array.of(1, 2))), Uint8Array.of(1, 2));
  t.equal(decodeCopy(encodeCopy(null)), null);
});
