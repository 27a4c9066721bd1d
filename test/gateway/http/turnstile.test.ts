import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import t from 'tap';
import { listen } from '../../../src/gateway/connections/listen.ts';
import { Turnstile } from '../../../src/gateway/http/turnstile.ts';

t.test('turnstile: so many at once, on the node and of one account; who leaves makes room', async (t) => {
  const turnstile = new Turnstile(3, 2);
  const leave = turnstile.enter(1);
  t.ok(turnstile.enter(1));
  t.equal(turnstile.enter(1), null, 'of one account');
  t.ok(turnstile.enter(2));
  t.equal(turnstile.enter(2), null, 'on the node');
  leave?.();
  t.ok(turnstile.enter(2));
});

t.test(
  'turnstile: who has gone before they were let in takes no place; who goes later, leaves it',
  async (t) => {
    const responses: ServerResponse[] = [];
    const server = createServer((_request, response) => {
      responses.push(response);
    });
    t.teardown(() => server.close());
    const port = await listen(server, '127.0.0.1', 0, 'test');
    const ask = async (): Promise<{
      readonly response: ServerResponse;
      readonly leave: () => Promise<void>;
    }> => {
      const asked = request({ host: '127.0.0.1', port });
      asked.on('error', () => undefined);
      asked.end();
      await once(server, 'request');
      const response = responses.shift();
      if (response === undefined) throw new Error('nobody asked');
      const leave = async (): Promise<void> => {
        const closed = once(response, 'close');
        asked.destroy();
        await closed;
      };
      return { response, leave };
    };
    const turnstile = new Turnstile(1, 1);
    const gone = await ask();
    await gone.leave();
    turnstile.enterWith(1, gone.response);
    t.equal(turnstile.count, 0);
    const here = await ask();
    t.ok(turnstile.enterWith(1, here.response));
    t.equal(turnstile.count, 1);
    t.notOk(turnstile.enterWith(2, here.response));
    await here.leave();
    t.equal(turnstile.count, 0);
  },
);
