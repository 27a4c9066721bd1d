/** The content of files out of one cluster and into another, by the programs' own parts over real nodes. */
import { createHash } from 'node:crypto';
import t, { type Test } from 'tap';
import { CodedError } from '../../../src/base/errors.ts';
import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { type Line, LineImport, type SendRecords } from '../../../src/cli/transfer/lines.ts';
import { longestLineBytes, textLines } from '../../../src/cli/transfer/text-lines.ts';
import { type Client, connect } from '../../../src/client/index.ts';
import { Exporter } from '../../../src/gateway/transfer/exporter.ts';
import { Importer } from '../../../src/gateway/transfer/importer.ts';
import { chunkBytes } from '../../../src/protocol/manifest.ts';
import { makeFile } from '../../files/support/file-cluster.ts';
import { startNodes, type TestNode, tellAddresses } from '../../support/gateway.ts';

interface Stage {
  readonly nodes: readonly [TestNode, TestNode];
  join(name: string): Promise<Client>;
}

async function stage(t: Test): Promise<Stage> {
  const { nodes, stop } = await startNodes(2);
  const [one, two] = nodes;
  if (one === undefined || two === undefined) throw new Error('two nodes');
  tellAddresses(nodes);
  t.teardown(stop);
  const join = async (name: string): Promise<Client> => {
    const client = connect({ nodes: `127.0.0.1:${one.httpPort}` });
    t.teardown(() => client.close());
    await client.request({ op: 'register', user: name, password: 'pw' });
    await client.request({ op: 'login', user: name, password: 'pw' });
    return client;
  };
  return { nodes: [one, two], join };
}

async function linesOf({ engine, files }: TestNode, withFiles = true): Promise<readonly Line[]> {
  const lines: Line[] = [];
  const exporter = new Exporter(engine.machine, engine.store, withFiles ? files.reader : null);
  // As text, since that is what travels.
  for await (const line of exporter.lines()) lines.push(JSON.parse(JSON.stringify(line)));
  return lines;
}

function intoNode({ engine, files, hasher }: TestNode): SendRecords {
  const importer = new Importer({
    hasher,
    files,
    proposeOwn: (command) => engine.propose(encodeProposal({ numbering: null, actor: null, command })),
  });
  return (records) => importer.run(records);
}

async function importAll(lines: readonly Line[], send: SendRecords) {
  const into = new LineImport(send);
  for (const line of lines) if (line.kind !== 'conclave-export' && line.kind !== 'end') await into.add(line);
  await into.flush();
  return into.report();
}

const large = makeFile(2 * chunkBytes + 1_000, 1).content;
const small = makeFile(300, 2).content;

async function sendFile(from: Client, to: string, name: string, content: Uint8Array): Promise<void> {
  const read = async (start: number, end: number) => content.subarray(start, end);
  const outcome = await from.sendFile(to, { name, type: 'text/plain', bytes: content.length, read });
  if (outcome.kind !== 'receipt') throw new Error(`not sent: ${JSON.stringify(outcome)}`);
}

/** Files of all sizes, one of them twice, and of somebody who is gone. */
async function livelyStage(t: Test): Promise<Stage> {
  const stageOne = await stage(t);
  const [ann, bob, eve] = [
    await stageOne.join('ann'),
    await stageOne.join('bob'),
    await stageOne.join('eve'),
  ];
  await ann.request({ op: 'create-group', group: 'team' });
  await bob.request({ op: 'join-group', group: 'team' });
  await ann.request({ op: 'send', to: 'bob', text: 'before' });
  await sendFile(ann, 'bob', 'large.bin', large);
  await sendFile(bob, '#team', 'again.bin', large);
  await sendFile(bob, 'ann', 'empty', new Uint8Array(0));
  await sendFile(eve, 'ann', 'small.txt', small);
  await ann.request({ op: 'send', to: 'bob', text: 'after' });
  await eve.request({ op: 'delete', user: 'eve' });
  return stageOne;
}

const kindsOf = (lines: readonly Line[], kind: string): readonly Line[] =>
  lines.filter((line) => line.kind === kind);

t.test('export: the content of files travels, and an import of it exports the same again', async (t) => {
  const { nodes } = await livelyStage(t);
  const before = await linesOf(nodes[0]);
  t.equal(kindsOf(before, 'file').length, 3, 'each content once, whoever sent it');
  t.equal(kindsOf(before, 'chunk').length, 4);
  t.same(await linesOf(nodes[1]), before, 'from any node');

  const { nodes: others } = await stage(t);
  const report = await importAll(before, intoNode(others[0]));
  t.equal(report.refused, 0, report.problems.join('; '));
  t.same(await linesOf(others[1]), before);

  const bob = connect({ nodes: `127.0.0.1:${others[1].httpPort}` });
  t.teardown(() => bob.close());
  await bob.request({ op: 'login', user: 'bob', password: 'pw' });
  const history = await bob.request({ op: 'history', with: 'ann', limit: 10 });
  if (history.kind !== 'receipt' || history.value.op !== 'history') throw new Error('no history');
  const texts = history.value.messages.map(({ text, file }) => file?.name ?? text);
  t.same(texts, ['before', 'large.bin', 'empty', 'after']);
  const sent = history.value.messages.find(({ file }) => file?.name === 'large.bin')?.file;
  if (sent === undefined) throw new Error('no file');
  const digest = createHash('sha256');
  const fetched = await bob.fetchFile(sent, async (piece) => void digest.update(piece));
  t.match(fetched, { kind: 'fetched', bytes: large.length });
  t.equal(digest.digest('hex'), createHash('sha256').update(large).digest('hex'));
});

t.test('export: an import with files that was interrupted is repeated as a whole', async (t) => {
  const { nodes } = await livelyStage(t);
  const before = await linesOf(nodes[0]);
  const { nodes: others } = await stage(t);
  const chunks = before.flatMap(({ kind }, at) => (kind === 'chunk' ? [at] : []));
  await importAll(before.slice(0, chunks[1]), intoNode(others[0]));
  const report = await importAll(before, intoNode(others[1]));
  t.equal(report.refused, 0, report.problems.join('; '));
  t.same(await linesOf(others[0]), before);
});

t.test('import: a message never refers to content that is not there', async (t) => {
  const { nodes } = await livelyStage(t);
  const whole = await linesOf(nodes[0]);
  const withoutFiles = await linesOf(nodes[0], false);
  t.same(kindsOf(withoutFiles, 'file'), []);
  t.same(
    withoutFiles,
    whole.filter(({ kind }) => kind !== 'file' && kind !== 'chunk'),
  );
  const { nodes: others } = await stage(t);
  const report = await importAll(withoutFiles, intoNode(others[0]));
  t.equal(report.refused, 0, report.problems.join('; '));
  const bodies = kindsOf(await linesOf(others[0]), 'message').map(({ body }) => body);
  t.ok(bodies.some((body) => JSON.stringify(body).includes('sent a file: large.bin')));
  t.notOk(bodies.some((body) => JSON.stringify(body).includes('manifest')));

  // A chunk that could not be read, or is another one, leaves its file out and nothing else.
  const last = whole.findLastIndex(({ kind }) => kind === 'chunk');
  const lost = whole.filter((_, at) => at !== last);
  const { nodes: third } = await stage(t);
  t.equal((await importAll(lost, intoNode(third[0]))).refused, 0);
  const wrong = whole.map((line, at) => (at === last ? { ...line, content: 'AAAA' } : line));
  const { nodes: fourth } = await stage(t);
  const told = await importAll(wrong, intoNode(fourth[0]));
  t.equal(told.refused, 1, told.problems.join('; '));
  const count = kindsOf(whole, 'message').length;
  for (const node of [third[0], fourth[0]]) t.equal(kindsOf(await linesOf(node), 'message').length, count);

  const message = kindsOf(whole, 'message').find(({ body }) => JSON.stringify(body).includes('manifest'));
  const { nodes: fifth } = await stage(t);
  const [refusal] = await intoNode(fifth[0])([
    { ...message, conversation: 'lobby', sequence: 1, from: 1, to: null },
  ]);
  t.match(refusal, { kind: 'refused', code: 'UNKNOWN_UPLOAD' });
});

t.test('export: what no node has is told in its place, and the rest goes out', async (t) => {
  const { nodes } = await livelyStage(t);
  const before = await linesOf(nodes[0]);
  const address =
    before.flatMap(({ kind, manifest }) => (kind === 'file' ? [String(manifest)] : []))[0] ?? '';
  const { engine, files } = nodes[0];
  const [chunk] = (await files.reader.manifest(address)).chunks;
  const read = (wanted: string) =>
    wanted === chunk ? Promise.reject(new CodedError('UNAVAILABLE')) : files.reader.read(wanted);
  const lines: Line[] = [];
  for await (const line of new Exporter(engine.machine, engine.store, { read }).lines()) lines.push(line);
  t.same(kindsOf(lines, 'unreadable'), [{ kind: 'unreadable', manifest: address, place: 0 }]);
  t.equal(lines.length, before.length);
});

t.test('lines: cut wherever, they are the same; one without an end is bounded', async (t) => {
  const text = '{"a":"é"}\r\n\n{"b":2}\n{"c":3}';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    for await (const line of textLines(pieces(bytes, size))) lines.push(line);
    t.same(lines, ['{"a":"é"}', '{"b":2}', '{"c":3}']);
  }
  const endless = textLines(pieces(new Uint8Array(longestLineBytes + 2).fill(0x61), 65_536));
  await t.rejects(endless.next(), { code: 'USAGE' });
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
