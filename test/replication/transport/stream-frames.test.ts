/** Streams between two nodes, apart from any socket. */
import t from 'tap';
import { encodeStreamFrame, receiveStream } from '../../../src/replication/transport/stream-frames.ts';

/** A connection whose other side says what the test makes it say, and time that passes when the test says so. */
function quietConnection() {
  let say: (bytes: Uint8Array) => void = () => undefined;
  const waits = new Set<() => void>();
  const connection = {
    destroyed: false,
    open: (onFrame: (bytes: Uint8Array) => void) => {
      say = onFrame;
    },
    pause: () => undefined,
    resume: () => undefined,
    destroy: () => {
      connection.destroyed = true;
    },
  };
  const later = (_delayMs: number, action: () => void): (() => void) => {
    waits.add(action);
    return () => waits.delete(action);
  };
  return {
    connection,
    later,
    waits,
    say: (chunk: Uint8Array) => say(encodeStreamFrame({ kind: 'data', chunk })),
    timePasses: () => {
      for (const action of waits) action();
    },
  };
}

t.test(
  'stream: one whose other side hangs in the middle is given up, and its connection with it',
  async (t) => {
    const { connection, later, say, timePasses, waits } = quietConnection();
    const stream = receiveStream(connection, later);
    const first = stream.next();
    say(Uint8Array.of(1));
    t.strictSame((await first).value, Uint8Array.of(1));
    t.equal(waits.size, 0, 'what is not waited for has no deadline: its reader may take its time');
    const second = stream.next();
    timePasses();
    await t.rejects(second, { code: 'UNAVAILABLE' });
    t.ok(connection.destroyed);
  },
);
