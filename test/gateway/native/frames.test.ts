/** What many connections are sent in the form of the wire, read by a WebSocket that knows nothing of it. */
import { createServer, type IncomingMessage } from 'node:http';
import fc from 'fast-check';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { FramePacker, wireForm } from '../../../src/gateway/native/frame-packer.ts';
import { FrameWriter } from '../../../src/gateway/native/frame-writer.ts';
import { WireSocket } from '../../../src/gateway/native/wire-socket.ts';
import { packNative } from '../../../src/protocol/native-codec.ts';

t.test('frames: parts that were packed before need no second packing, and mean the same', async (t) => {
  const part = fc.constantFrom('{"a":1}', '{"b":"é"}', JSON.stringify('x'.repeat(30_000)));
  fc.assert(
    fc.property(fc.array(fc.array(part, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), (all) => {
      const packer = new FramePacker();
      return all.every((parts, at) => {
        const { texts, wire } = packer.pack(parts);
        const isRepeated = JSON.stringify(parts) === JSON.stringify(all[at - 1]);
        const isWell = wire === null || JSON.stringify(wire) === JSON.stringify(texts.map(wireForm));
        return (
          JSON.stringify(texts) === JSON.stringify(packNative(parts)) &&
          isWell &&
          isRepeated === (wire !== null)
        );
      });
    }),
    { numRuns: 100 },
  );
  t.equal(new FramePacker().pack([]).texts.length, 0);
});

t.test('frames: of every size, sent in either way, arrive as they are and in their order', async (t) => {
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  t.teardown(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port');
  const accepted = new Promise<WireSocket>((resolve) => {
    sockets.once('connection', (socket: WebSocket, request: IncomingMessage) =>
      resolve(new WireSocket(socket, request.socket)),
    );
  });
  const reader = new WebSocket(`ws://127.0.0.1:${address.port}`);
  const heard: string[] = [];
  const closed = new Promise<number>((resolve) => reader.once('close', resolve));
  reader.on('message', (data) => heard.push(String(data)));
  const socket = await accepted;
  const packer = new FramePacker();
  const waiting: (() => void)[] = [];
  let taken = 0;
  const writer = new FrameWriter(socket, { packer, turn: (action) => waiting.push(action) }, (bytes) => {
    taken += bytes;
  });
  const sizes = [0, 1, 123, 124, 125, 126, 1_000, 65_530, 65_533, 65_534];
  const expected: string[] = [];
  for (const size of sizes) {
    const part = JSON.stringify('x'.repeat(size));
    // The first packing goes out as a text, the second in the form of the wire.
    for (let again = 0; again < 2; again++) {
      writer.write(part, 1);
      for (const action of waiting.splice(0)) action();
      expected.push(part);
    }
  }
  writer.write('"last"', 1);
  writer.flush();
  expected.push('"last"');
  t.equal(await writer.drained(), true);
  while (heard.length < expected.length) await new Promise((resolve) => setImmediate(resolve));
  t.same(heard, expected);
  t.equal(taken, expected.length);
  socket.close(1000, 'done');
  t.equal(await closed, 1000);
});
