/** `npm run admin -- doctor`: looks at everything that can be looked at, and says what to do about what is not as it should be. */
import { resolve } from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { askingOf } from '../cluster/node-status.ts';
import { defaultConfigPath, readConfig } from '../cluster/nodes.ts';
import type { OperatorClient } from '../cluster/operator-client.ts';
import { operatorClient } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';
import { inColumns } from '../program/columns.ts';
import { factsOf } from './facts.ts';
import { type Finding, findingsOf } from './findings.ts';

const exitCodes = { well: 0, wrong: 1, unreachable: 2 } as const;

export async function doctor(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
  const configPath = resolve(args.text('config') ?? defaultConfigPath);
  const config = readConfig(configPath);
  const client = await clientIfAny(args);
  const facts = await factsOf({ config, configPath, asking: await askingOf(args), client });
  const findings = findingsOf(facts);
  const isReached = facts.nodes.some(({ status }) => status !== null);
  const isWrong = findings.some(({ verdict }) => verdict === 'wrong');
  const verdict = !isReached ? 'unreachable' : isWrong ? 'wrong' : 'well';
  console.log(args.has('json') ? JSON.stringify({ verdict, findings }, null, 2) : formatFindings(findings));
  return exitCodes[verdict];
}

/** Without the key the half of it can be looked at still. */
async function clientIfAny(args: Arguments): Promise<OperatorClient | null> {
  try {
    return await operatorClient(args);
  } catch (error) {
    if (error instanceof CodedError && /^KEY_/.test(error.code)) return null;
    throw error;
  }
}

const marks = { good: 'ok', look: 'look', wrong: 'WRONG' } as const;

function formatFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ verdict, check, about, found }) => [marks[verdict], check, about, found]);
  const remedies = findings.flatMap(({ verdict, check, about, remedy }) =>
    remedy === null ? [] : [`${marks[verdict].padEnd(5)}  ${check}, ${about}: ${remedy}`],
  );
  const summary = remedies.length === 0 ? ['All is well.'] : ['What to do:', ...remedies];
  return [inColumns(['', 'check', 'about', 'found'], rows), '', ...summary].join('\n');
}
