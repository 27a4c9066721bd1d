import t from 'tap';
import { seedsOf } from '../../../src/web/model/seeds.ts';

function told(host: string, port: number, origins: string): string[] {
  return seedsOf({ host, port }, origins).map((address) => `${address.host} ${address.port}`);
}

t.test('seeds: every node once, under the name that the page itself uses', async (t) => {
  const names = ['127.0.0.1', 'localhost', '127.0.0.1'];
  const origins = [7301, 7302].flatMap((port) => names.map((name) => `http://${name}:${port}`)).join(' ');
  t.same(told('localhost', 7301, origins), ['localhost 7301', 'localhost 7302']);
  t.same(told('127.0.0.1', 7302, origins), ['127.0.0.1 7302', '127.0.0.1 7301']);
});

t.test('seeds: machines of their own may have one port', async (t) => {
  const origins = 'https://a.example:7300 https://b.example:7300 https://[fd00::1]:7300 https://c.example';
  t.same(told('a.example', 7300, origins), [
    'a.example 7300',
    'b.example 7300',
    'fd00::1 7300',
    'c.example 443',
  ]);
});

t.test('seeds: without a list the page has the node that it came from', async (t) => {
  for (const list of ['', '{origins}', 'nonsense'])
    t.same(told('a.example', 80, list), ['a.example 80'], list);
});
