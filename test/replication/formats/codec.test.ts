import fc from 'fast-check';
import t from 'tap';
import { type Entry, type MessageType, makeMessage } from '../../../src/raft/index.ts';
import { ByteReader, ByteWriter } from '../../../src/replication/formats/bytes.ts';
import { decodeEnvelope, encodeEnvelope } from '../../../src/replication/formats/envelope.ts';
import { memberOf } from '../../../src/replication/formats/members.ts';
import { readMessage, writeMessage } from '../../../src/replication/formats/message-codec.ts';
import {
  decodeFrame,
  decodeMark,
  encodeFrame,
  encodeMark,
} from '../../../src/replication/formats/peer-frames.ts';
import type { AppliedMark } from '../../../src/store/state-store.ts';

const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 40 });
const wireTypes: MessageType[] = [
  'MsgAppResp',
  'MsgVote',
  'MsgHeartbeat',
  'MsgReadIndexResp',
  'MsgTimeoutNow',
];

const plainMessage = fc
  .record({
    type: fc.constantFrom(...wireTypes),
    to: number,
    from: number,
    term: number,
    logTerm: number,
    index: number,
    commit: number,
    vote: number,
    reject: fc.boolean(),
    rejectHint: number,
    context: fc.option(bytes, { nil: null }),
  })
  .map(({ type, to, from, term, ...fields }) => makeMessage(type, to, from, term, fields));

const appendMessage = fc
  .record({ index: fc.nat(1_000_000), term: fc.nat(1_000), data: fc.array(bytes, { maxLength: 8 }) })
  .map(({ index, term, data }) => {
    const entries = data.map(
      (item, i): Entry => ({ term, index: index + 1 + i, type: 'normal', data: item }),
    );
    return makeMessage('MsgApp', 1, 2, term, { index, logTerm: term, commit: index, entries });
  });

const snapshotMessage = fc
  .record({ index: number, term: number, voters: fc.array(number, { maxLength: 5 }), data: bytes })
  .map(({ index, term, voters, data }) => {
    const confState = { voters, votersOutgoing: [], learners: [3], learnersNext: [], autoLeave: true };
    return makeMessage('MsgSnap', 1, 2, 3, { snapshot: { meta: { index, term, confState }, data } });
  });

const anyMessage = fc.oneof(plainMessage, appendMessage, snapshotMessage);

/** Buffers and views compare by content. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, item) =>
      item?.type === 'Buffer'
        ? { bytes: item.data }
        : item instanceof Uint8Array
          ? { bytes: [...item] }
          : item,
    ),
  );
}

t.test('codec: every message and frame comes back as it was', async (t) => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const writer = new ByteWriter(1);
      writeMessage(writer, message);
      const reader = new ByteReader(writer.finish());
      t.strictSame(plain(readMessage(reader)), plain(message));
      t.equal(reader.left, 0);
    }),
    { numRuns: 200 },
  );
  const member = memberOf({ id: 1, host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 }, 77);
  const frames = [
    {
      kind: 'propose',
      term: 3,
      life: 2 ** 32 - 1,
      proposals: [{ counter: 2 ** 50, command: Buffer.from('x') }],
    },
    { kind: 'refused', life: 1, counters: [1, 2 ** 40] },
    { kind: 'status', founding: [member], observing: true },
    { kind: 'status', founding: null, observing: false },
    { kind: 'place', address: { id: 4, host: 'h', peerPort: 1, chatPort: 2, httpPort: 3 } },
    { kind: 'removed' },
    { kind: 'ask', ask: { tag: 'a', term: 3, wish: { kind: 'promote', node: 4 } } },
    { kind: 'ask', ask: { tag: 'a', term: 3, wish: { kind: 'add', node: 4, place: null, promote: true } } },
    { kind: 'ask', ask: { tag: 'a', term: 3, wish: { kind: 'transfer', node: null } } },
    { kind: 'answer', answer: { tag: 'a', kind: 'wait', heir: 2 } },
    { kind: 'answer', answer: { tag: 'a', kind: 'refused', code: 'LAST_VOTER', text: 'no' } },
    { kind: 'gossip', payload: Buffer.from('hello') },
  ] as const;
  for (const frame of frames) t.strictSame(plain(decodeFrame(encodeFrame(frame))), plain(frame));
  const mark: AppliedMark = {
    index: 7,
    term: 3,
    wallMs: 1.7e12,
    clusterMs: 5,
    engine: Buffer.from('engine'),
  };
  t.strictSame(plain(decodeMark(encodeMark(mark))), plain(mark));
});

t.test('codec: what is cut, altered or made up is refused, never thrown and never trusted', async (t) => {
  const whole = encodeFrame({ kind: 'raft', messages: [makeMessage('MsgVote', 1, 2, 3, { index: 9 })] });
  for (let length = 0; length < whole.length; length++) t.equal(decodeFrame(whole.subarray(0, length)), null);
  t.equal(decodeFrame(Buffer.concat([whole, Buffer.from([0])])), null, 'too long');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
      decodeFrame(random);
      decodeFrame(Buffer.concat([Buffer.from([1, random[0] ?? 0]), random]));
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.nat(255), (message, at, value) => {
      const frame = Buffer.from(encodeFrame({ kind: 'raft', messages: [message] }));
      frame[at % frame.length] = value;
      decodeFrame(frame);
    }),
    { numRuns: 1_000 },
  );
  const local = Buffer.from(whole);
  local[6] = 200;
  t.equal(decodeFrame(local), null, 'a type that no peer may send');
  const counted = Buffer.from(whole);
  counted.writeUInt32BE(0xffff_ffff, 2);
  t.equal(decodeFrame(counted), null, 'a count that cannot be true');
});

t.test('codec: an envelope of a newer version is not read as if it were known', async (t) => {
  const tag = { member: 2 ** 52 + 1, life: 5, counter: 6 };
  const time = { wallMs: 1.7e12, clusterMs: 9 };
  const data = Buffer.from(encodeEnvelope(tag, time, Buffer.from('command')));
  t.strictSame(plain(decodeEnvelope(data)), plain({ tag, time, command: Buffer.from('command') }));
  data[0] = 2;
  t.throws(() => decodeEnvelope(data), { code: 'DATA_NEWER', message: /newer/ });
});
