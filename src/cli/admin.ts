/** `npm run admin`: what the people who run a cluster ask of it. */
import { CodedError } from '../base/errors.ts';
import { type Arguments, configFlag, type Program, runProgram } from './arguments.ts';
import { connectFlag, findNodes, type Nodes } from './nodes.ts';
import { type Answer, assess, exitCodes, formatReport, readStatus } from './status-table.ts';

const answerMs = 1_500;
const largestAnswer = 1024 * 1024;

const program: Program = {
  command: 'npm run admin --',
  operands: 'COMMAND',
  summary: 'Looks after a cluster.',
  flags: [connectFlag, configFlag, { name: 'json', help: 'print JSON instead of a table' }],
  notes: [
    ['Commands:', 'status    ask every node for its role, its term and how far it is'].join('\n  '),
    [
      'Exit code of status:',
      '0 with a leader and a majority of voters reachable,',
      '1 without,',
      '2 when no node can be reached.',
    ].join('\n  '),
  ],
};

const commands: ReadonlyMap<string, (args: Arguments) => Promise<number>> = new Map([['status', status]]);

async function status(args: Arguments): Promise<number> {
  const nodes = findNodes(args);
  const report = assess(await Promise.all(nodes.addresses.map((address) => ask(address, nodes))));
  console.log(args.has('json') ? JSON.stringify(report, null, 2) : formatReport(report));
  return exitCodes[report.verdict];
}

async function ask({ host, port }: Nodes['addresses'][number], { config }: Nodes): Promise<Answer> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const id = config?.nodes.find((node) => node.host === host && node.httpPort === port)?.id ?? null;
  try {
    const response = await fetch(`http://${address}/cluster`, { signal: AbortSignal.timeout(answerMs) });
    const text = await readBounded(response);
    const found = response.ok ? readStatus(JSON.parse(text)) : null;
    return { address, id, status: found, reason: found === null ? `answered ${response.status}` : null };
  } catch (error) {
    return { address, id, status: null, reason: reasonOf(error) };
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > largestAnswer) throw new Error('the answer is too long');
  }
  return text;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${answerMs} ms`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}

await runProgram(program, async (args) => {
  const [name = '', ...rest] = args.operands;
  const command = commands.get(name);
  const isKnown = command !== undefined && rest.length === 0;
  if (!isKnown)
    throw new CodedError(
      'USAGE',
      name === '' ? 'name a command' : `unknown command "${args.operands.join(' ')}"`,
    );
  return command(args);
});
