import { readFileSync } from 'node:fs';
import t from 'tap';
import { nodeConfig, parseConfig } from '../../src/base/config.ts';
import { CodedError } from '../../src/base/errors.ts';
import { isPlainText } from '../../src/base/transport-config.ts';

const node = (id: number, more: object = {}): object => ({
  id,
  host: '127.0.0.1',
  peerPort: 7100 + id,
  chatPort: 7200 + id,
  httpPort: 7300 + id,
  ...more,
});
const demo = (more: object): string =>
  JSON.stringify({ profile: 'loopback-demo', nodes: [node(1), node(2), node(3)], ...more });

function refusal(action: () => unknown): { code: string; text: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof CodedError) return { code: error.code, text: error.message };
    throw error;
  }
  return { code: 'accepted', text: '' };
}

t.test(
  'config: the shipped file is a loopback demonstration of three nodes, with every default filled in',
  async (t) => {
    const config = parseConfig(readFileSync(new URL('../../cluster.config.json', import.meta.url), 'utf8'));
    t.strictSame(
      config.nodes.map(({ id, chatPort }) => [id, chatPort]),
      [
        [1, 7201],
        [2, 7202],
        [3, 7203],
      ],
    );
    t.equal(config.sessions, 'multi');
    t.equal(config.timings.tickMs, 25);
  },
);

t.test('config: an unknown key is named, at the top and inside a node', async (t) => {
  t.match(
    refusal(() => parseConfig(demo({ colour: 'red' }))),
    { code: 'CONFIG_INVALID', text: /unknown key colour/ },
  );
  const nested = demo({ nodes: [node(1, { prot: 1 })] });
  t.match(
    refusal(() => parseConfig(nested)),
    { code: 'CONFIG_INVALID', text: /unknown key nodes\.0\.prot/ },
  );
});

t.test('config: a wrong value is refused with its key', async (t) => {
  const cases: [string, RegExp][] = [
    ['{', /not JSON/],
    ['[]', /object/],
    ['{"profile":"loopback-demo","nodes":[]}', /nodes/],
    [demo({ nodes: [node(1, { chatPort: 70_000 })] }), /nodes\.0\.chatPort/],
    [demo({ sessions: 'two' }), /sessions/],
    [demo({ timings: { tickMs: 0 } }), /timings\.tickMs/],
    [demo({ cluster: 'with space' }), /cluster/],
  ];
  for (const [text, expected] of cases) {
    t.match(
      refusal(() => parseConfig(text)),
      { code: 'CONFIG_INVALID', text: expected },
      text.slice(0, 40),
    );
  }
});

t.test('config: two nodes cannot share an id or an address', async (t) => {
  t.match(
    refusal(() => parseConfig(demo({ nodes: [node(1), node(1)] }))),
    { text: /node id 1 is used twice/ },
  );
  const clash = demo({ nodes: [node(1), node(2, { peerPort: 7101 })] });
  t.match(
    refusal(() => parseConfig(clash)),
    { text: /address 127\.0\.0\.1:7101 is used twice/ },
  );
});

t.test('config: the demo profile is refused off loopback; the default is the safe one', async (t) => {
  const exposed = demo({ nodes: [node(1, { host: '10.0.0.1' })] });
  t.match(
    refusal(() => parseConfig(exposed)),
    { code: 'PROFILE_UNSUPPORTED', text: /10\.0\.0\.1/ },
  );
  t.equal(parseConfig(JSON.stringify({ nodes: [node(1)] })).profile, 'production');
});

t.test('config: ports are plain text by name, all of the demonstration and none of production', async (t) => {
  const plain = (more: object): string[] => {
    const config = parseConfig(JSON.stringify({ nodes: [node(1)], ...more }));
    return (['chat', 'http', 'peer'] as const).filter((port) => isPlainText(config, port));
  };
  t.strictSame(plain({}), []);
  t.strictSame(plain({ plainText: ['chat'] }), ['chat']);
  t.strictSame(plain({ profile: 'loopback-demo' }), ['chat', 'http', 'peer']);
  t.strictSame(plain({ profile: 'loopback-demo', plainText: [] }), []);
  t.match(
    refusal(() => plain({ plainText: ['peer'] })),
    { code: 'CONFIG_INVALID', text: /plainText: the peer port/ },
  );
});

t.test('config: an origin is a scheme and a host, and no address of a page', async (t) => {
  const origins = (list: string[]): readonly string[] =>
    parseConfig(JSON.stringify({ nodes: [node(1)], origins: list })).origins;
  t.strictSame(origins([]), []);
  const good = ['https://chat.example.org', 'http://[::1]:8080'];
  t.strictSame(origins(good), good);
  for (const bad of ['https://chat.example.org/', 'chat.example.org', '*', 'https://a b', 'ws://a']) {
    t.match(
      refusal(() => origins([bad])),
      { code: 'CONFIG_INVALID', text: /origins\.0: / },
    );
  }
});

t.test('config: a node that is not listed is refused with the list', async (t) => {
  const config = parseConfig(demo({}));
  t.equal(nodeConfig(config, 2).chatPort, 7202);
  t.match(
    refusal(() => nodeConfig(config, 9)),
    { code: 'CONFIG_INVALID', text: /no node 9 .*1, 2, 3/ },
  );
});
