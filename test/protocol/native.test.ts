import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { errorTable } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import type { NativeFrame, NativeReply } from '../../src/protocol/native.ts';
import { encodeNative, packNative, parseNative } from '../../src/protocol/native-codec.ts';
import { fieldsOf } from '../../src/protocol/native-fields.ts';

const session = '0123456789abcdef'.repeat(2);
const secret = '0123456789abcdef'.repeat(4);

const requests = [
  { op: 'hello', v: 1, session, secret },
  { op: 'hello', v: 1, session, secret, after: 0, client: 'test 1' },
  { op: 'register', n: 1, low: 1, user: 'ann', password: 'pw' },
  { op: 'login', n: 2, low: 1, user: 'ann', password: '' },
  { op: 'logout', n: 9007199254740991, low: 3 },
  { op: 'delete', n: 4, low: 3, user: 'ann' },
  { op: 'send', n: 5, low: 3, to: 'bob', text: 'a "quoted" \\ : { } [ ] 💬 text\n' },
  { op: 'users', q: 0 },
  { op: 'search', q: 1, pattern: 'a*' },
  { op: 'history', q: 2, with: 'bob', limit: 10_000 },
  { op: 'history', q: 2, with: 'bob', limit: 1, before: 7 },
  { op: 'ack', index: 0 },
  { op: 'ping' },
] as const;

/** What is said of a frame that has one fault: code, text and whom to tell. */
function faults(frame: string): unknown[] {
  return parseNative(frame).flatMap((input) =>
    input.kind === 'invalid'
      ? [`${input.code}: ${input.text}${input.reply ? ` ${JSON.stringify(input.reply)}` : ''}`]
      : [],
  );
}

t.test('native: every request, alone and in one frame', async (t) => {
  for (const request of requests) {
    t.same(parseNative(JSON.stringify(request)), [{ kind: 'request', request }], request.op);
  }
  t.same(
    parseNative(JSON.stringify(requests, null, 2)),
    requests.map((request) => ({ kind: 'request', request })),
  );
});

t.test('native: a wrong field is named, and the request it belongs to', async (t) => {
  const cases: readonly [string, string][] = [
    ['{"op":"sing"}', 'BAD_REQUEST: Unknown op.'],
    ['{"n":1}', 'BAD_REQUEST: Unknown op. {"n":1}'],
    ['{"op":"logout","low":1}', 'BAD_REQUEST: n is missing.'],
    ['{"op":"logout","n":1}', 'BAD_REQUEST: low is missing. {"n":1}'],
    ['{"op":"logout","n":0,"low":1}', 'BAD_REQUEST: n must be a positive integer. {"n":0}'],
    ['{"op":"logout","n":1.5,"low":1}', 'BAD_REQUEST: n must be a positive integer.'],
    ['{"op":"logout","n":9007199254740992,"low":1}', 'BAD_REQUEST: n must be a positive integer.'],
    ['{"op":"logout","n":1,"low":2}', 'BAD_REQUEST: low is above n. {"n":1}'],
    ['{"op":"logout","n":1,"low":1,"extra":true}', 'BAD_REQUEST: Unknown key "extra". {"n":1}'],
    ['{"op":"send","n":1,"low":1,"to":"bob","text":7}', 'BAD_REQUEST: text must be a text. {"n":1}'],
    [
      '{"op":"send","n":1,"low":1,"to":"bob","text":"a\\u0000"}',
      'BAD_ENCODING: text holds a NUL or half a character. {"n":1}',
    ],
    [
      '{"op":"send","n":1,"low":1,"to":"\\ud83d","text":"a"}',
      'BAD_ENCODING: to holds a NUL or half a character. {"n":1}',
    ],
    ['{"op":"users","q":-1}', 'BAD_REQUEST: q must be an integer, 0 or more. {"q":-1}'],
    [
      '{"op":"history","q":1,"with":"bob","limit":10001}',
      'BAD_REQUEST: limit must be an integer from 1 to 10000. {"q":1}',
    ],
    ['{"op":"ping","__proto__":1}', 'BAD_REQUEST: Unknown key "__proto__".'],
    ['{"op":"ping","constructor":1}', 'BAD_REQUEST: Unknown key "constructor".'],
    [
      `{"op":"hello","v":1,"session":"${session.toUpperCase()}","secret":"${secret}"}`,
      'BAD_REQUEST: session must be 32 hexadecimal digits.',
    ],
    [
      `{"op":"hello","v":1,"session":"${session}","secret":"x"}`,
      'BAD_REQUEST: secret must be 64 hexadecimal digits.',
    ],
    ['[{"op":"ping"},7]', 'BAD_REQUEST: A request is an object.'],
    ['[[]]', 'BAD_REQUEST: A request is an object.'],
    ['null', 'BAD_REQUEST: A request is an object.'],
    [`{"op":"ping","${'k'.repeat(100)}":1}`, `BAD_REQUEST: Unknown key "${'k'.repeat(32)}".`],
  ];
  for (const [frame, expected] of cases) t.same(faults(frame), [expected], frame);
  const mixed = parseNative('[{"op":"ping"},{"op":"sing","q":3},{"op":"ping"}]');
  t.same(
    mixed.map((input) => input.kind),
    ['request', 'invalid', 'request'],
    'one wrong request leaves the others of its frame alone',
  );
});

t.test(
  'native: a frame that is no JSON, nests, is too large, or repeats a key is refused whole',
  async (t) => {
    const cases: readonly [string, string][] = [
      ['', 'BAD_REQUEST: The frame is not JSON.'],
      ['{"op":"ping"', 'BAD_REQUEST: The frame is not JSON.'],
      ['{"op":"ping"}{"op":"ping"}', 'BAD_REQUEST: The frame is not JSON.'],
      ['[{"op":{"a":1}}]', 'BAD_REQUEST: The frame nests too deep.'],
      ['['.repeat(60_000), 'BAD_REQUEST: The frame nests too deep.'],
      [' '.repeat(limits.frameBytes + 1), 'FRAME_TOO_LARGE: The frame is too large.'],
      ['{"op":"ping","op":"ping"}', 'BAD_REQUEST: Repeated key "op".'],
      ['[{"op":"ping"},{"op":"logout","n":1,"low":1,"\\u006e":1}]', 'BAD_REQUEST: Repeated key "n".'],
      [
        `[${'{"op":"ping"},'.repeat(1_024)}{"op":"ping"}]`,
        'BAD_REQUEST: The frame holds more than 1024 requests.',
      ],
    ];
    for (const [frame, expected] of cases) t.same(faults(frame), [expected], frame.slice(0, 60));
    t.same(parseNative('[]'), [], 'an empty frame asks nothing');
    t.equal(faults('{"op":{"op":1}}').length, 1);
  },
);

t.test('property: nothing makes it throw, and what passes is what JSON says', async () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double(),
    fc.constant(null),
    fc.boolean(),
  );
  const key = fc.constantFrom('op', 'n', 'low', 'q', 'to', 'text', 'user', 'x', '__proto__', 'toString');
  const pair = fc
    .tuple(key, value)
    .map(([name, given]) => `${JSON.stringify(name)}:${JSON.stringify(given)}`);
  const object = fc.array(pair, { maxLength: 6 }).map((pairs) => `{${pairs.join(',')}}`);
  const frame = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    object,
    fc.array(object, { maxLength: 4 }).map((objects) => `[${objects.join(',')}]`),
    fc
      .tuple(fc.constantFrom(...requests), fc.nat(), fc.string({ unit: 'binary', maxLength: 2 }))
      .map(([request, at, put]) => {
        const text = JSON.stringify(request);
        return text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1);
      }),
  );
  fc.assert(
    fc.property(frame, (text) => {
      const inputs = parseNative(text);
      if (inputs.some((input) => input.kind === 'invalid')) return true;
      const value: unknown = JSON.parse(text);
      const asked = inputs.map((input) => (input.kind === 'request' ? input.request : null));
      return JSON.stringify(asked) === JSON.stringify(Array.isArray(value) ? value : [value]);
    }),
    { numRuns: 3_000 },
  );
});

t.test('encode: what is ready leaves in as few frames as the limit allows, in order', async (t) => {
  const replies: NativeReply[] = Array.from({ length: 2_000 }, (_, n) => ({
    n,
    ok: false,
    code: 'BUSY',
    text: 'ü'.repeat(n % 90),
  }));
  const frames = packNative(replies.flatMap(encodeNative));
  t.ok(frames.length < 40, `${frames.length} frames`);
  t.ok(frames.every((frame) => Buffer.byteLength(frame) <= limits.frameBytes));
  t.same(
    frames.flatMap((frame) => JSON.parse(frame)),
    replies,
  );
  t.same(packNative([]), []);
  t.same(packNative(['{"ev":"pong"}']), ['{"ev":"pong"}'], 'one object needs no array');
});

t.test('encode: a list that fits no frame is parted, the last part without `more`', async (t) => {
  const users = Array.from({ length: 5_000 }, (_, n) => ({ name: `user${n}`, online: n % 2 === 0 }));
  const parts = encodeNative({ q: 7, ok: true, value: { op: 'users', users } });
  t.ok(parts.length > 1);
  t.ok(parts.every((part) => Buffer.byteLength(part) <= limits.frameBytes));
  const replies = parts.map((part) => JSON.parse(part));
  t.ok(
    replies.every(
      (reply, at) => reply.q === 7 && reply.ok && (reply.more === true) === at < parts.length - 1,
    ),
  );
  t.same(
    replies.flatMap((reply) => reply.value.users),
    users,
  );
  t.equal(encodeNative({ q: 7, ok: true, value: { op: 'search', users: [] } }).length, 1);
});

t.test('encode: the worst message there can be fits a frame', async (t) => {
  const worst: NativeFrame = {
    ev: 'message',
    conversation: 'd:9007199254740991:9007199254740991',
    sequence: Number.MAX_SAFE_INTEGER,
    index: Number.MAX_SAFE_INTEGER,
    from: 'a'.repeat(20),
    to: 'b'.repeat(20),
    number: Number.MAX_SAFE_INTEGER,
    replyTo: Number.MAX_SAFE_INTEGER,
    text: '\u0001'.repeat(limits.messageBytes),
    sentMs: Number.MAX_SAFE_INTEGER,
  };
  const [frame, ...more] = packNative(encodeNative(worst));
  t.equal(more.length, 0);
  t.ok(Buffer.byteLength(frame ?? '') <= limits.frameBytes);
  const messages = Array.from({ length: 5 }, () => ({ ...worst, ev: undefined }));
  const parts = encodeNative({ q: 1, ok: true, value: { op: 'history', messages } });
  t.equal(parts.length, 5, 'history parts between messages');
});

const documentation = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

t.test(
  'documentation: its example is understood as it stands, and every code of a client is in its table',
  async (t) => {
    const asked = [...documentation.matchAll(/^→ (.*)$/gm)].flatMap((match) => parseNative(match[1] ?? ''));
    t.equal(asked.length, 8);
    t.same(
      asked.filter((input) => input.kind === 'invalid'),
      [],
    );
    for (const [, told = ''] of documentation.matchAll(/^← (.*)$/gm)) t.doesNotThrow(() => JSON.parse(told));
    const firstOfStarting = Object.keys(errorTable).indexOf('USAGE');
    for (const code of Object.keys(errorTable).slice(0, firstOfStarting)) {
      t.match(documentation, new RegExp(`\\n\\| \`${code}\` \\|`), code);
    }
  },
);

t.test('documentation: every request has its row, with all of its keys', async (t) => {
  // `hello` has a table of its own; these two are said once for all requests of a kind.
  const common = new Set(['n', 'low', 'q', 'stale']);
  for (const [op, fields] of fieldsOf) {
    if (op === 'hello') continue;
    const row = documentation.match(new RegExp(`^\\| \`${String(op)}\` \\|.*$`, 'm'))?.[0] ?? '';
    const missing = [...fields.keys()].filter((key) => !common.has(key) && !row.includes(`\`${key}\``));
    t.same(missing, [], `${String(op)}: ${row === '' ? 'no row' : 'keys'}`);
    t.not(row, '', String(op));
  }
});
