import { type Changes, noChanges, type StreamAppend } from '../../../src/base/changes.ts';
import type {
  Applied,
  CommittedCommand,
  StateMachine,
} from '../../../src/replication/ports/state-machine.ts';

export interface ToyResult {
  readonly text: string;
  /** Number of the command in the order of applying. */
  readonly position: number;
}

/** Keeps every command it was given, in order, with its time: whatever is lost, doubled or reordered shows. */
export class ToyMachine implements StateMachine<ToyResult, string> {
  readonly texts: string[] = [];
  readonly times: { wallMs: number; clusterMs: number }[] = [];
  #puts = new Map<string, Uint8Array>();
  #appends: StreamAppend[] = [];
  failOn: string | null = null;
  /** As a bug, or a flipped bit in memory: what is kept of this command is not what was said. */
  twistOn: string | null = null;

  apply({ command, time }: CommittedCommand): Applied<ToyResult, string> {
    const text = Buffer.from(command).toString();
    if (text === this.failOn) throw new Error('planted');
    const position = this.texts.push(text);
    this.times.push(time);
    const kept = text === this.twistOn ? { text: `${text}, twisted`, time } : { text, time };
    this.#puts.set(`t/${String(position).padStart(8, '0')}`, Buffer.from(JSON.stringify(kept)));
    this.#appends.push({ stream: 'history', sequence: position, record: Buffer.from(text) });
    return { result: { text, position }, events: [`applied ${text}`] };
  }

  takeChanges(): Changes {
    const changes = { ...noChanges, puts: this.#puts, appends: this.#appends };
    this.#puts = new Map();
    this.#appends = [];
    return changes;
  }

  async load(rows: AsyncIterable<readonly [key: string, value: Uint8Array]>): Promise<void> {
    this.texts.length = 0;
    this.times.length = 0;
    this.#puts = new Map();
    this.#appends = [];
    for await (const [, value] of rows) {
      const { text, time } = JSON.parse(Buffer.from(value).toString());
      this.texts.push(text);
      this.times.push(time);
    }
  }
}
