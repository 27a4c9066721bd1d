import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FileDesk } from '../../../src/cli/dialogues/file-desk.ts';
import { pipeFileTexts } from '../../../src/cli/dialogues/file-texts.ts';
import { formatProgress, progressTeller } from '../../../src/cli/program/progress.ts';
import type { Client } from '../../../src/client/index.ts';
import type { FileEntry, MessageEntry } from '../../../src/protocol/requests.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const file: FileEntry = { id: 7, name: '../a.txt', type: 'text/plain', bytes: 5, manifest: '0'.repeat(64) };
const message: MessageEntry = {
  conversation: 'd:1:2',
  sequence: 1,
  index: 7,
  from: 'ann',
  to: 'bob',
  number: 1,
  text: 'sent a file: a.txt (5 B)',
  file,
  sentMs: 0,
};
const value = {
  op: 'send-file',
  to: 'bob',
  online: true,
  conversation: 'd:1:2',
  sequence: 1,
  index: 7,
  number: 1,
  sentMs: 0,
} as const;

type Answers = Partial<Pick<Client, 'sendFile' | 'fetchFile'>>;

function desk(answers: Answers, downloads: string | null = null) {
  const shown: string[] = [];
  const opened: string[] = [];
  const client = {
    node: 1,
    sendFile: async () => ({ kind: 'receipt', value }) as const,
    fetchFile: async (_file: FileEntry, take: (piece: Uint8Array) => Promise<void>) => {
      await take(Buffer.from('hello'));
      return { kind: 'fetched', bytes: 5 } as const;
    },
    ...answers,
  };
  const made = new FileDesk({
    texts: pipeFileTexts,
    client,
    downloads,
    show: (lines, kind) => void shown.push(...lines.map((line) => `${kind}: ${line}`)),
    open: (path) => opened.push(path),
  });
  return { desk: made, shown, opened };
}

t.test('file desk: what was sent is told by its name', async (t) => {
  const directory = t.testdir({ 'a.txt': 'hello' });
  const { desk: sending, shown } = desk({});
  t.equal(await sending.send('bob', join(directory, 'a.txt')), 'accepted');
  const group = desk({ sendFile: async () => ({ kind: 'receipt', value: { ...value, to: '#team' } }) });
  t.equal(await group.desk.send('#team', join(directory, 'a.txt')), 'accepted');
  t.strictSame(shown, ['reply: File a.txt sent to bob successfully.']);
  t.strictSame(group.shown, ['reply: File a.txt sent to group team successfully.']);
});

t.test('file desk: why nothing was sent is told', async (t) => {
  const directory = t.testdir({ 'a.txt': 'hello', folder: {} });
  const refuse = (code: 'TOO_LARGE' | 'UNKNOWN_USER', text: string): Answers => ({
    sendFile: async () => ({ kind: 'rejection', code, text }),
  });
  for (const [answers, path, line] of [
    [{}, 'none.txt', `error: File '${join(directory, 'none.txt')}' does not exist.`],
    [{}, 'folder', /^error: File '.*folder' cannot be read: /],
    [refuse('TOO_LARGE', 'x'), 'a.txt', "error: File 'a.txt' is too large."],
    [
      refuse('UNKNOWN_USER', 'There is no such user.'),
      'a.txt',
      /^error: Error UNKNOWN_USER: There is no such/,
    ],
  ] as const) {
    const { desk: sending, shown } = desk(answers);
    t.equal(await sending.send('bob', join(directory, path)), 'rejected');
    t.equal(shown.length, 1);
    t.match(shown[0], line);
  }
  const lost = desk({ sendFile: async () => ({ kind: 'unknown', text: 'x' }) });
  t.equal(await lost.desk.send('bob', join(directory, 'a.txt')), 'unknown');
});

t.test('file desk: what comes is saved under a safe name, told, and given to the opener', async (t) => {
  const directory = t.testdir({ 'a.txt': 'mine' });
  const { desk: receiving, shown, opened } = desk({}, directory);
  receiving.received(message);
  receiving.received(message);
  receiving.received({ ...message, text: 'no file' });
  await receiving.idle();
  const first = join(directory, 'a (2).txt');
  t.strictSame(shown.slice(0, 2), [
    "message: You received file 'a.txt' from ann.",
    `notice: Saved as ${first}`,
  ]);
  t.equal(await readFile(first, 'utf8'), 'hello');
  t.equal(await readFile(join(directory, 'a.txt'), 'utf8'), 'mine');
  t.equal(opened[0], first);
});

t.test('file desk: without a downloads folder nothing is fetched', async (t) => {
  const { desk: receiving, shown } = desk({
    fetchFile: async () => {
      throw new Error('asked');
    },
  });
  receiving.received(message);
  await receiving.idle();
  t.strictSame(shown, []);
});

t.test('file desk: what was only told is saved when it is asked for, once', async (t) => {
  const directory = t.testdir({});
  const { desk: receiving, shown } = desk({});
  t.notOk(receiving.takeLast(directory));
  receiving.received(message);
  t.ok(receiving.takeLast(directory));
  t.notOk(receiving.takeLast(directory));
  await receiving.idle();
  t.equal(shown[0], "message: You received file 'a.txt' from ann.");
  t.strictSame(await readdir(directory), ['a.txt']);
});

t.test('file desk: one that cannot be had is told, leaves nothing, and holds none up', async (t) => {
  const directory = t.testdir({});
  let asked = 0;
  const { desk: receiving, shown } = desk(
    {
      fetchFile: async (_file, take) => {
        await take(Buffer.from('he'));
        if (++asked === 1) return { kind: 'rejection', code: 'UNKNOWN_FILE', text: 'There is no such file.' };
        return { kind: 'fetched', bytes: 2 };
      },
    },
    directory,
  );
  receiving.received(message);
  receiving.received({ ...message, file: { ...file, name: 'b.txt' } });
  await receiving.idle();
  t.equal(shown[0], "error: File 'a.txt' from ann could not be saved: There is no such file.");
  t.strictSame(await readdir(directory), ['b.txt']);
});

t.test('progress: a bar where there is room for one', async (t) => {
  const half = { name: 'a.bin', bytes: 10 * 1_048_576, total: 20 * 1_048_576, elapsedMs: 5_000 };
  t.equal(formatProgress(half, 66), 'a.bin [############------------] 50%  10 MiB of 20 MiB  2.0 MiB/s');
  t.equal(formatProgress(half, 45), 'a.bin  50%  10 MiB of 20 MiB  2.0 MiB/s');
  t.equal(formatProgress(half, 10), 'a.bin  50%');
  t.match(formatProgress({ ...half, bytes: half.total }, 120), / \[#{40}\]100%/);
  t.match(formatProgress({ name: 'e', bytes: 0, total: 0, elapsedMs: 0 }, 60), /100% {2}0 B of 0 B$/);
});

t.test('progress: told for what lasts, and not too often', async (t) => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const step = progressTeller(
    clock,
    () => 60,
    (line) => lines.push(line),
  );
  for (let percent = 0; percent <= 100; percent++) {
    step('a.bin', percent, 100);
    await clock.advance(100);
  }
  t.equal(lines.length, 4, 'ten seconds, every two, and the end is told otherwise');
  t.match(lines[0], /^a\.bin \[#+-+\] {1,2}20%/);
  step('b.bin', 0, 10);
  await clock.advance(500);
  step('b.bin', 10, 10);
  t.equal(lines.length, 4);
});

t.test(
  'file desk: behind the conversation files go one after another, and what is left is known',
  async (t) => {
    const directory = t.testdir({ 'a.txt': 'hello' });
    const release: (() => void)[] = [];
    let running = 0;
    const { desk: sending, shown } = desk({
      sendFile: async () => {
        t.equal(++running, 1, 'one at a time');
        await new Promise<void>((resolve) => release.push(resolve));
        running -= 1;
        return { kind: 'receipt', value } as const;
      },
    });
    for (let n = 0; n < 2; n++)
      t.equal(await sending.sendBehind('bob', join(directory, 'a.txt')), 'accepted');
    t.equal(sending.unsent, 2);
    t.strictSame(shown, []);
    while (sending.unsent > 0) {
      release.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.equal(shown.length, 2);
  },
);
