/** The index in a child process of low priority, started with the first question to it; one that died is replaced by the next question. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endInBackground, giveWay, startInBackground } from '../base/background-process.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { ConversationId } from '../chat/vocabulary/types.ts';
import type { IndexAnswer, IndexAsked, IndexRequest } from './index-messages.ts';
import type { Hit, IndexBatch, IndexQuestion, Place, SearchIndex } from './ports.ts';

interface Waiting {
  readonly resolve: (answer: Exclude<IndexAnswer, { id: null }>) => void;
  readonly reject: (error: CodedError) => void;
  readonly deadline: Timer;
}

const program = fileURLToPath(new URL('./index-child.ts', import.meta.url));
/** Questions under way; the next one is refused. */
const waitingMax = 256;
/** A child that says nothing for so long hangs, on a disk perhaps, and is replaced. */
const answerMs = 30_000;
/** After one that died, since the next one may die too. */
const respawnMs = 2_000;

export class ChildIndex implements SearchIndex {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | null = null;
  #nextId = 1;
  #stopped = false;
  #notBeforeMs = 0;

  constructor(path: string, clock: Clock, logger: Logger) {
    this.#path = path;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** For operators and tests; null while there is no child. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async places(): Promise<ReadonlyMap<ConversationId, Place>> {
    const answer = await this.#ask({ kind: 'places' });
    return new Map(answer.kind === 'places' ? answer.places : []);
  }

  async write(batch: IndexBatch): Promise<void> {
    await this.#ask({ kind: 'write', batch });
  }

  async find(question: IndexQuestion): Promise<readonly Hit[]> {
    const answer = await this.#ask({ kind: 'find', question });
    return answer.kind === 'found' ? answer.hits : [];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#refuseAll();
    const child = this.#child;
    this.#child = null;
    await endInBackground(child, this.#clock);
  }

  async #ask(asked: IndexAsked): Promise<Exclude<IndexAnswer, { id: null }>> {
    const isTooSoon = this.#child === null && this.#clock.monotonicMs() < this.#notBeforeMs;
    if (this.#stopped || isTooSoon || this.#waiting.size >= waitingMax) throw unavailable();
    const child = this.#child ?? this.#spawn();
    const id = this.#nextId++;
    const answer = await new Promise<Exclude<IndexAnswer, { id: null }>>((resolve, reject) => {
      // What it had before is waited for as well: only silence of all this time is a hang.
      const deadline = this.#clock.after(answerMs, () => child.kill('SIGKILL'));
      this.#waiting.set(id, { resolve, reject, deadline });
      // A failed send is followed by the child's exit.
      child.send({ ...asked, id } satisfies IndexRequest, () => undefined);
    });
    if (answer.kind !== 'failed') return answer;
    this.#logger.warn({ cause: answer.cause }, 'the search index failed');
    throw unavailable();
  }

  #spawn(): ChildProcess {
    const child = startInBackground({ path: program, args: [this.#path] });
    this.#child = child;
    child.on('message', (answer: IndexAnswer) => {
      if (answer.id === null) giveWay(child, this.#logger);
      else this.#take(answer);
    });
    child.on('error', (error) => this.#logger.error({ cause: error.message }, 'the search process failed'));
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#notBeforeMs = this.#clock.monotonicMs() + respawnMs;
      this.#logger.warn({ code, signal }, 'the search process ended');
      this.#refuseAll();
    });
    return child;
  }

  #take(answer: Exclude<IndexAnswer, { id: null }>): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    waiting?.deadline.cancel();
    waiting?.resolve(answer);
  }

  #refuseAll(): void {
    for (const { deadline, reject } of this.#waiting.values()) {
      deadline.cancel();
      reject(unavailable());
    }
    this.#waiting.clear();
  }
}

function unavailable(): CodedError {
  return new CodedError('UNAVAILABLE', 'The search index is not available now.');
}
