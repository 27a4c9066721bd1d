/** A line dialect in frames: the order, the bounds and the end of one connection. */
import { EventEmitter } from 'node:events';
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { FrameLines } from '../../../src/gateway/lines/frame-lines.ts';
import type { LineOutput, LineSession } from '../../../src/gateway/lines/line-connection.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  paused = false;
  closed = false;
  readonly sent: string[] = [];

  send(frame: string, taken?: (error?: Error) => void): void {
    this.sent.push(frame);
    if (this.bufferedAmount === 0) taken?.();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(): void {
    this.closed = true;
  }

  terminate(): void {
    this.closed = true;
  }

  type(line: string, isBinary = false): void {
    this.emit('message', Buffer.from(line), isBinary);
  }
}

/** Answers each line once it is let. */
class SlowSession implements LineSession {
  readonly loggedIn = true;
  readonly #output: LineOutput;
  #answers: (() => void)[] = [];

  constructor(output: LineOutput) {
    this.#output = output;
  }

  receive(line: string): Promise<void> {
    return new Promise((resolve) => {
      this.#answers.push(() => {
        this.#output.write(`heard ${line}\n`);
        resolve();
      });
    });
  }

  answer(): Promise<void> {
    this.#answers.shift()?.();
    return settle();
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#answers = [];
  }
}

function connect() {
  const socket = new FakeSocket();
  const sessions: SlowSession[] = [];
  const lines = new FrameLines(socket, {
    clock: new VirtualClock(),
    timeouts: { halfLineMs: 1_000, silentMs: 1_000 },
    dialect: 'slash',
    open: (_dialect, output) => {
      const session = new SlowSession(output);
      sessions.push(session);
      return session;
    },
    address: null,
    ticket: { kind: 'free', loggedIn: () => undefined, closed: () => undefined },
  });
  const [session] = sessions;
  if (session === undefined) throw new Error('no session was opened');
  return { socket, lines, session };
}

t.test('frames: what is refused is answered in its turn, as on a line connection', async (t) => {
  const { socket, session } = connect();
  socket.type('first');
  socket.type('nonsense', true);
  socket.type('x'.repeat(limits.lineBytes + 1));
  t.same(socket.sent, [], 'the first line is not answered yet');
  await session.answer();
  t.equal(socket.sent[0], 'heard first');
  t.match(socket.sent[1], 'UTF-8');
  t.match(socket.sent[2], /longer than/);
  t.ok(socket.closed, 'after a line that is too long nothing can follow');
});

t.test('frames: who sends nonsense and reads nothing is read no further', async (t) => {
  const { socket } = connect();
  socket.bufferedAmount = limits.outboxBytes + 1;
  let frames = 0;
  while (!socket.paused && frames < 1_000) {
    socket.type('x', true);
    frames += 1;
    await settle();
  }
  t.ok(socket.paused, 'reading stops');
  t.ok(frames < 100 && socket.sent.length < 10, 'after a few');
});

t.test('frames: a node that stops lets the running line finish, takes no other, and closes', async (t) => {
  const { socket, lines, session } = connect();
  socket.type('first');
  socket.type('second');
  await settle();
  lines.stop();
  t.notOk(socket.closed);
  socket.type('third');
  await session.answer();
  t.same(socket.sent, ['heard first']);
  t.ok(socket.closed);
});
