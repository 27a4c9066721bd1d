import fc from 'fast-check';
import t from 'tap';
import {
  type ByteReader,
  ByteWriter,
  exceedsBytes,
  readAll,
  utf8Bytes,
} from '../../../src/chat/codecs/bytes.ts';
import { decodeProposal, encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { fingerprintCommand } from '../../../src/chat/codecs/fingerprint.ts';
import { decodeMessage, encodeMessage } from '../../../src/chat/codecs/message-codec.ts';
import { readResult } from '../../../src/chat/codecs/receipt-codec.ts';
import { isGlob, matchesGlob } from '../../../src/chat/names/glob.ts';
import { isName } from '../../../src/chat/names/names.ts';
import type { Command, Message, Proposal } from '../../../src/chat/vocabulary/types.ts';
import { sessionId, textTo } from '../support/world.ts';

/** Well-formed texts of every kind: short and long, ASCII and not, with controls and a byte-order mark. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 400 }),
  fc.constantFrom(
    '',
    '\ufeffmark',
    'a\u0000b',
    '💬'.repeat(50),
    'é'.repeat(23),
    'x'.repeat(127),
    'x'.repeat(128),
  ),
);
const integer = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32),
);
const body = fc.record({ kind: fc.constant('text' as const), text });
/** No hash is empty. */
const hash = fc.option(text.filter((value) => value !== ''));
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('register' as const), name: text, passwordHash: text }),
  fc.record({ kind: fc.constant('login' as const), account: integer, credential: integer }),
  fc.record({ kind: fc.constant('logout' as const) }),
  fc.record({ kind: fc.constant('delete-account' as const), name: text }),
  fc.record({
    kind: fc.constant('lease-upload' as const),
    manifest: text,
    bytes: integer,
    quota: fc.record({ fileBytes: integer, accountBytes: integer, clusterBytes: integer }),
  }),
  fc.record({ kind: fc.constant('cancel-upload' as const), manifest: text }),
  fc.record({
    kind: fc.constant('send-file' as const),
    to: text,
    file: fc.record({ name: text, type: text, bytes: integer, manifest: text }),
    replyTo: fc.option(fc.integer({ min: 1 })),
    complete: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('send' as const),
    to: text,
    body,
    replyTo: fc.option(fc.integer({ min: 1, max: 300 })),
    wantsReceipt: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('derive-session' as const), session: text, secretHash: text }),
  fc.record({ kind: fc.constant('create-group' as const), name: text, passwordHash: hash }),
  fc.record({
    kind: fc.constant('announce-group' as const),
    name: text,
    address: fc.record({ host: text, port: integer }),
  }),
  fc.record({
    kind: fc.constant('join-group' as const),
    name: text,
    seen: fc.option(fc.record({ group: text.filter((value) => value !== ''), credential: integer })),
    create: fc.boolean(),
    passwordHash: hash,
  }),
  fc.record({ kind: fc.constantFrom('leave-group' as const, 'delete-group' as const), name: text }),
  fc.record({ kind: fc.constant('rename-group' as const), name: text, newName: text }),
  fc.record({
    kind: fc.constant('set-group-listener' as const),
    name: text,
    port: fc.option(fc.integer({ min: 1, max: 65_535 })),
  }),
  fc.record({ kind: fc.constant('set-group-password' as const), name: text, passwordHash: hash }),
  fc.record({ kind: fc.constant('remove-member' as const), name: text, member: text }),
  fc.record({ kind: fc.constant('transfer-group' as const), name: text, owner: text }),
  fc.record({
    kind: fc.constant('acknowledge' as const),
    messages: fc.array(fc.record({ account: integer, conversation: text, sequence: integer }), {
      maxLength: 5,
    }),
    receipts: fc.array(fc.record({ account: integer, number: integer }), { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('advance-cursors' as const),
    cursors: fc.array(
      fc.record({ account: integer, conversation: text, delivered: integer, read: integer }),
      { maxLength: 5 },
    ),
  }),
);
const session = fc.integer({ min: 0, max: 3 }).map(sessionId);
const proposal: fc.Arbitrary<Proposal> = fc.record({
  numbering: fc.option(fc.record({ session, secretHash: text, sequence: integer, lowest: integer })),
  actor: fc.option(fc.record({ account: integer, session: fc.option(session) })),
  command: fc.oneof(command, fc.record({ kind: fc.constant('asked' as const), key: hash, command })),
});

t.test('codec: every proposal comes back as it was', async (t) => {
  fc.assert(
    fc.property(proposal, (value) => {
      t.ok(JSON.stringify(decodeProposal(encodeProposal(value))) === JSON.stringify(value));
    }),
    { numRuns: 500 },
  );
});

t.test('codec: an encoding stays as it is when the next one is made', async () => {
  fc.assert(
    fc.property(fc.array(proposal, { maxLength: 200 }), (values) => {
      const encoded = values.map(encodeProposal);
      return values.every((value, at) => {
        const bytes = encoded[at] ?? new Uint8Array();
        return JSON.stringify(decodeProposal(bytes)) === JSON.stringify(value);
      });
    }),
    { numRuns: 20 },
  );
});

t.test('codec: altered bytes never throw, and a shortened or lengthened proposal is none', async () => {
  fc.assert(
    fc.property(proposal, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, where, byte) => {
      const bytes = encodeProposal(value).slice();
      const flipped = bytes.slice();
      flipped[where % bytes.length] = byte;
      decodeProposal(flipped);
      return (
        decodeProposal(bytes.slice(0, where % bytes.length)) === null &&
        decodeProposal(Uint8Array.of(...bytes, byte)) === null
      );
    }),
    { numRuns: 500 },
  );
});

t.test('codec: a lie about a length or a count allocates nothing', async (t) => {
  const cursors = Uint8Array.of(1, 0, 0, 6, 255, 255, 255, 255, 255, 255, 255, 15);
  t.equal(decodeProposal(cursors), null);
  const name = Uint8Array.of(1, 0, 0, 4, 255, 255, 255, 127, 97);
  t.equal(decodeProposal(name), null);
  t.equal(decodeProposal(Uint8Array.of(1, 0, 0, 4, 2, 0xc3, 0x28)), null, 'not UTF-8');
});

t.test('codec: lone surrogates become U+FFFD, in the bytes and in their count', async (t) => {
  const { command } = decodeProposal(
    encodeProposal({ numbering: null, actor: null, command: { kind: 'delete-account', name: 'a\ud800b' } }),
  ) ?? { command: null };
  t.match(command, { name: 'a\ufffdb' });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('', '\ud83d', '\udcac'), (text, half) => {
      const whole = `${text}${half}${text}`;
      const bytes = new TextEncoder().encode(whole).length;
      return utf8Bytes(whole) === bytes && exceedsBytes(whole, bytes - 1) && !exceedsBytes(whole, bytes);
    }),
  );
});

t.test('codec: a writer whose user threw starts afresh', async (t) => {
  const writer = new ByteWriter();
  writer.begin(1);
  writer.text('left behind');
  writer.begin(1);
  writer.integer(5);
  t.same([...writer.take()], [1, 5]);
  t.equal(
    readAll(Uint8Array.of(1, 5), (reader: ByteReader) => reader.byte() + reader.integer()),
    6,
  );
});

t.test('message: comes back with its address, and damage is told', async (t) => {
  fc.assert(
    fc.property(text, integer, integer, (body, index, sentMs) => {
      const message: Message = {
        conversation: 'd:1:2',
        sequence: 7,
        index,
        from: 1,
        to: index % 2 === 0 ? 2 : null,
        number: sentMs,
        replyTo: index % 3 === 0 ? 5 : null,
        body: { kind: 'text', text: body },
        sentMs,
      };
      t.same(decodeMessage('d:1:2', 7, encodeMessage(message)), message);
    }),
    { numRuns: 50 },
  );
  for (const bytes of [[], [1], [9, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 0, 0], [2, 1, 1, 1, 1, 1, 0, 9, 0]]) {
    t.throws(() => decodeMessage('d:1:2', 7, Uint8Array.from(bytes)), {
      code: 'DATA_DAMAGED',
      message: /7 of d:1:2/,
    });
  }
});

t.test('fingerprint: bodies differ, secrets do not', async (t) => {
  const bodies: Command[] = [
    { kind: 'register', name: 'ann', passwordHash: '' },
    { kind: 'delete-account', name: 'ann' },
    textTo('ann', ''),
    textTo('an', 'n'),
    textTo('', 'ann'),
    { kind: 'login', account: 1, credential: 1 },
    {
      kind: 'lease-upload',
      manifest: 'ann',
      bytes: 1,
      quota: { fileBytes: 1, accountBytes: 1, clusterBytes: 1 },
    },
    { kind: 'cancel-upload', manifest: 'ann' },
    { kind: 'login', account: 11, credential: 1 },
    { kind: 'logout' },
    { kind: 'advance-cursors', cursors: [] },
    { kind: 'advance-cursors', cursors: [{ account: 1, conversation: 'd:1:2', delivered: 1, read: 0 }] },
    { kind: 'advance-cursors', cursors: [{ account: 1, conversation: 'd:1:2', delivered: 0, read: 1 }] },
  ];
  t.equal(new Set(bodies.map(fingerprintCommand)).size, bodies.length);
  const one = fingerprintCommand({ kind: 'register', name: 'ann', passwordHash: 'one' });
  t.equal(one, fingerprintCommand({ kind: 'register', name: 'ann', passwordHash: 'two' }));
  const many = new Set<number>();
  for (let n = 0; n < 20_000; n++) many.add(fingerprintCommand(textTo('ann', `message ${n}`)));
  t.equal(many.size, 20_000);
  t.ok([...many].every((print) => Number.isSafeInteger(print) && print >= 0));
});

t.test('glob: agrees with a plain definition of itself', async () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(
      letters,
      pattern,
      (name, glob) => matchesGlob(name, glob) === matchesByDefinition(name, glob),
    ),
    { numRuns: 3_000 },
  );
});

function matchesByDefinition(name: string, glob: string): boolean {
  if (glob === '') return name === '';
  if (glob.startsWith('*')) {
    return (
      matchesByDefinition(name, glob.slice(1)) || (name !== '' && matchesByDefinition(name.slice(1), glob))
    );
  }
  const fits = name !== '' && (glob[0] === '?' || glob[0] === name[0]);
  return fits && matchesByDefinition(name.slice(1), glob.slice(1));
}

t.test('glob: a pattern made to be slow takes no more than name times pattern steps', async (t) => {
  const pattern = `${'?*'.repeat(31)}x`;
  let matched = 0;
  for (let run = 0; run < 100_000; run++) if (matchesGlob('aaaaaaaaaaaaaaaaaaaa', pattern)) matched++;
  t.equal(matched, 0);
  t.ok(isGlob('a?'));
  t.ok(isGlob('*'));
  t.notOk(isGlob('ab.+[^'));
  t.notOk(isName('a*'));
});

t.test('versions: what the first version wrote is read as it was meant', async (t) => {
  const ascii = (content: string): number[] => [content.length, ...new TextEncoder().encode(content)];
  const message = decodeMessage('d:1:2', 7, Uint8Array.of(1, 9, 1, 2, 5, ...ascii('hi')));
  t.same(message, {
    conversation: 'd:1:2',
    sequence: 7,
    index: 9,
    from: 1,
    to: 2,
    number: 0,
    replyTo: null,
    body: { kind: 'text', text: 'hi' },
    sentMs: 5,
  });
  const cursors = Uint8Array.of(1, 0, 0, 6, 1, 1, ...ascii('d:1:2'), 3);
  t.same(decodeProposal(cursors)?.command, {
    kind: 'advance-cursors',
    cursors: [{ account: 1, conversation: 'd:1:2', delivered: 3, read: 0 }],
  });
  const sent = Uint8Array.of(1, 5, ...ascii('d:1:2'), 7, 9, 2, 4);
  t.same(
    readAll(sent, (reader) => {
      reader.byte();
      return readResult(reader);
    }),
    {
      ok: true,
      receipt: { kind: 'sent', conversation: 'd:1:2', sequence: 7, index: 9, to: 2, number: 0, sentMs: 4 },
    },
  );
});
