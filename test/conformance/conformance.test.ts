import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { reportLine, reportTotals } from './report.ts';
import { runFolder, runScript } from './runner.ts';

const folder = process.env.ETCD_RAFT_TESTDATA ?? '';

t.test(
  'conformance: every script of etcd-io/raft passes to the letter',
  {
    skip:
      folder === '' &&
      'ETCD_RAFT_TESTDATA names no folder; the scripts are in https://github.com/etcd-io/raft (testdata)',
  },
  async (t) => {
    const results = await runFolder(folder);
    t.ok(results.length > 0, 'there are scripts');
    for (const result of results) t.equal(result.firstDivergence, null, reportLine(result));
  },
);

const ours = fileURLToPath(new URL('./scripts', import.meta.url));

t.test('conformance: every script of our own passes to the letter', async (t) => {
  const results = await runFolder(ours);
  t.ok(results.length >= 25, 'there are scripts');
  for (const result of results) t.equal(result.firstDivergence, null, reportLine(result));
});

/** Ends of numbers in the expected outputs of a script, one for each output that has any. */
function expectedNumbers(text: string): readonly number[] {
  const positions: number[] = [];
  for (const output of text.matchAll(/^----\n((?:.+\n)+)/gm)) {
    const number = /\d(?!.*\d)/s.exec(output[1] ?? '');
    if (number !== null) positions.push(output.index + '----\n'.length + number.index);
  }
  return positions;
}

t.test('judge: each of our scripts fails once any expectation of it is changed', async (t) => {
  for (const { path } of await runFolder(ours)) {
    const text = await readFile(join(ours, path), 'utf8');
    const positions = expectedNumbers(text);
    for (const at of positions) {
      const digit = (Number(text[at]) + 1) % 10;
      const changed = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`;
      const { firstDivergence } = runScript(dirname(path), changed);
      if (firstDivergence === null) t.fail(`${path} passes with its character ${at} changed to ${digit}`);
    }
    t.ok(
      positions.length > 0 || path.includes('joint-vote'),
      `${path}: ${positions.length} changes were seen`,
    );
  }
});

const election = `
# A script of our own, to test the judge.
add-nodes 1 voters=(1) index=3
----
INFO 1 became follower at term 0

campaign 1
----
ok

process-ready 1
----
Ready MustSync=true:
Lead:0 State:StateCandidate
HardState Term:1 Vote:1 Commit:3

raft-state
----
1: StateLeader (Voter) Term:1 Lead:1
`;

function failure(kind: string, text: string): string {
  const { firstDivergence } = runScript(kind, text);
  return firstDivergence === null ? 'passed' : `${firstDivergence.line}: ${firstDivergence.text}`;
}

t.test('judge: a script whose expectation was changed fails and says where', (t) => {
  t.same(runScript('interaction', election), { passed: 4, total: 4, firstDivergence: null });
  const changed = runScript('interaction', election.replace('Commit:3', 'Commit:4'));
  t.same(changed, {
    passed: 3,
    total: 4,
    firstDivergence: {
      line: 11,
      text: 'process-ready: expected "HardState Term:1 Vote:1 Commit:4", got "HardState Term:1 Vote:1 Commit:3"',
    },
  });
  t.match(
    failure('interaction', `${election}\nraft-state\n----\n`),
    'expected nothing more, got "1: StateLeader',
  );
  t.match(failure('interaction', `${election}2: more\n`), 'got nothing more');
  t.match(failure('quorum', 'vote cfg=(1) votes=(y)\n----\nVoteLost\n'), 'got "VoteWon"');
  t.match(failure('confchange', 'simple\nv1\n----\nvoters=(2)\n'), 'got "voters=(1)"');
  t.end();
});

t.test(
  'judge: messages are delivered and dropped in the order in which the command names their addressees',
  (t) => {
    const script = (order: string, lines: readonly string[]): string =>
      'add-nodes 3 voters=(1,2,3) index=3\n----\nok\n\ncampaign 1\n----\nok\n\n' +
      `stabilize 1 log-level=none\n----\nok\n\ndeliver-msgs ${order}\n----\n${lines.join('\n')}\n`;
    const delivered = '1->2 MsgVote Term:1 Log:1/3';
    const dropped = 'dropped: 1->3 MsgVote Term:1 Log:1/3';
    t.equal(failure('interaction', script('2 drop=(3)', [delivered, dropped])), 'passed');
    t.equal(failure('interaction', script('drop=(3) 2', [dropped, delivered])), 'passed');
    t.match(
      failure('interaction', script('2 drop=(2)', [delivered])),
      "can't both deliver and drop msgs to 2",
    );
    t.match(failure('interaction', script('2 type=MsgTea', [delivered])), 'unknown message type MsgTea');
    t.end();
  },
);

t.test('judge: what is not known is a failure, never a skip', (t) => {
  t.match(failure('interaction', 'make-coffee 1\n----\nok\n'), '1: make-coffee: unknown command make-coffee');
  t.match(
    failure('interaction', 'add-nodes 1 voters=(1) index=3 sugar=true\n----\nok\n'),
    'unknown argument sugar=',
  );
  t.match(failure('interaction', 'add-nodes 1 milk\n----\nok\n'), 'unknown argument milk');
  t.match(failure('interaction', 'campaign 1\n----\nok\n'), 'there is no node 1');
  t.match(failure('interaction', 'campaign\n----\nok\n'), 'an argument is missing');
  t.match(failure('confchange', 'simple\nx1\n----\nok\n'), 'unknown input: x1');
  t.match(failure('quorum', 'elect cfg=(1)\n----\nok\n'), 'unknown command elect');
  t.match(failure('poetry', election), 'unknown kind of script: poetry');
  t.match(failure('interaction', 'campaign 1\n'), 'without an expected output');
  t.match(failure('interaction', '# nothing\n'), 'no directives');
  t.end();
});

t.test(
  'judge: outputs with blank lines, argument lists and the empty quorum are read as the format says',
  (t) => {
    const text =
      'vote cfg=(1, 2 3) votes=(y,y _)\n----\n----\n\nVoteWon\n\n----\n----\n\ncommitted\n----\n<empty majority quorum>∞\n';
    t.same(runScript('quorum', text), { passed: 2, total: 2, firstDivergence: null });
    t.end();
  },
);

t.test('judge: a folder is run whole and summed up', async (t) => {
  const root = t.testdir();
  await mkdir(join(root, 'deep', 'interaction'), { recursive: true });
  await writeFile(join(root, 'deep', 'interaction', 'a.txt'), election);
  await writeFile(join(root, 'deep', 'interaction', 'b.txt'), election.replace('Lead:1', 'Lead:2'));
  await writeFile(join(root, 'deep', 'LICENSE'), 'not a script');
  const results = await runFolder(root);
  t.same(results.map(reportLine), [
    'pass deep/interaction/a.txt 4/4',
    'FAIL deep/interaction/b.txt 3/4 line 17: raft-state: expected "1: StateLeader (Voter) Term:1 Lead:2", ' +
      'got "1: StateLeader (Voter) Term:1 Lead:1"',
  ]);
  t.equal(reportTotals(results), '2 files: 1 pass, 1 FAIL; directives 7/8');
});
