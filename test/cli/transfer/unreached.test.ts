/** An import that finds nobody who takes it ends as every other command does then. */
import { join } from 'node:path';
import t from 'tap';
import { importChat } from '../../../src/cli/transfer/chat-transfer.ts';
import { loadClusterKey } from '../../../src/replication/transport/cluster-key.ts';

t.test(
  'import: with no node that answers it is unknown what went in, and no fault of the program',
  async (t) => {
    const nodes = [{ id: 1, host: '127.0.0.1', peerPort: 1, chatPort: 2, httpPort: 3 }];
    const directory = t.testdir({
      'cluster.config.json': JSON.stringify({ profile: 'loopback-demo', nodes }),
      'db.json': JSON.stringify({
        user_list: [{ username: 'user', password: 'pw', display_name: '' }],
        message_list: [],
        notification_list: [],
      }),
    });
    const config = join(directory, 'cluster.config.json');
    await loadClusterKey(config, true);
    const args = {
      text: (name: string) => (name === 'config' ? config : undefined),
      number: () => undefined,
      has: (name: string) => name === 'json-database',
      operands: [],
    };
    t.equal(await importChat(args, [join(directory, 'db.json')]), 2);
  },
);
