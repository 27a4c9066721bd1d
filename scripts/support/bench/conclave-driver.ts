import { randomBytes } from 'node:crypto';
import { type Client, connect } from '../../../src/client/index.ts';
import type { Reply } from '../../../src/protocol/requests.ts';
import type { DriverSettings, LoadDriver } from './target.ts';

const receiver = 'sink';

/** Each connection is a session of an account of its own; all write to one account that is not online. */
export async function openDriver(settings: DriverSettings): Promise<LoadDriver> {
  const password = randomBytes(12).toString('hex');
  const clients: Client[] = [];
  for (let at = 0; at <= settings.connections; at++) {
    const client = connect({ nodes: settings.nodes });
    const name = at === settings.connections ? receiver : `sender${at}`;
    done(await client.register(name, password));
    if (name === receiver) {
      client.close();
    } else {
      done(await client.login(name, password));
      client.onMessage(() => undefined);
      clients.push(client);
    }
  }
  const text = 'x'.repeat(settings.valueBytes);
  return {
    async send(slot) {
      const client = clients[slot % clients.length];
      if (client === undefined) throw new Error('no connection');
      done(await client.send(receiver, text));
    },
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

function done(reply: Reply): void {
  if (reply.kind !== 'receipt') throw new Error(reply.text);
}
