/**
 * argon2 in one child process, bounded: at most `limits.hashConcurrency` at a time, at most `limits.hashQueue` waiting, the rest BUSY.
 * A child that dies is replaced; what it was working on is tried once more.
 */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endInBackground, giveWay, startInBackground } from '../../base/background-process.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import type { HashAnswer, HashQuestion } from './hasher-messages.ts';

/** Passwords to hashes. Rejects with `CodedError` BUSY when there is no room or no answer within `limits.operationMs`. */
export interface Hasher {
  /** argon2id in PHC form. The password is already normalised and bounded. */
  hash(password: string): Promise<string>;
  /** `hash` null costs the same and is false. */
  verify(hash: string | null, password: string): Promise<boolean>;
  /** Questions that wait for the child or are with it. */
  readonly load: number;
  stop(): Promise<void>;
}

type Question = HashQuestion extends infer Kind
  ? Kind extends HashQuestion
    ? Omit<Kind, 'id'>
    : never
  : never;

interface Job {
  readonly question: Question;
  readonly resolve: (value: string | boolean) => void;
  readonly reject: (error: CodedError) => void;
  readonly deadline: Timer;
  attempts: number;
}

const attemptsMax = 2;
/** A child that dies without ever having answered is not replaced at once: the next one would die too. */
const respawnMs = 1_000;
const program = fileURLToPath(new URL('./hasher-child.ts', import.meta.url));

export class ChildHasher implements Hasher {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #waiting: Job[] = [];
  readonly #running = new Map<number, Job>();
  #child: ChildProcess | null = null;
  #answered = false;
  #respawn: Timer | null = null;
  #nextId = 1;
  #stopped = false;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#spawn();
  }

  get load(): number {
    return this.#waiting.length + this.#running.size;
  }

  /** For operators and tests; null while there is no child. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async hash(password: string): Promise<string> {
    const value = await this.#ask({ kind: 'hash', password });
    if (typeof value !== 'string') throw new CodedError('INTERNAL');
    return value;
  }

  async verify(hash: string | null, password: string): Promise<boolean> {
    return (await this.#ask({ kind: 'verify', hash, password })) === true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#respawn?.cancel();
    for (const job of [...this.#waiting.splice(0), ...this.#running.values()]) this.#refuse(job);
    this.#running.clear();
    const child = this.#child;
    this.#child = null;
    await endInBackground(child, this.#clock);
  }

  #ask(question: Question): Promise<string | boolean> {
    return new Promise((resolve, reject) => {
      if (this.#stopped || this.#waiting.length >= limits.hashQueue) {
        reject(new CodedError('BUSY'));
        return;
      }
      const deadline = this.#clock.after(limits.operationMs, () => this.#expire(job));
      const job: Job = { question, resolve, reject, deadline, attempts: 0 };
      this.#waiting.push(job);
      this.#feed();
    });
  }

  #feed(): void {
    const child = this.#child;
    while (child?.connected && this.#running.size < limits.hashConcurrency) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      const id = this.#nextId++;
      job.attempts += 1;
      this.#running.set(id, job);
      // A failed send is followed by the child's exit, which tries the job again.
      child.send({ id, ...job.question }, () => undefined);
    }
  }

  #answer(answer: Exclude<HashAnswer, { id: null }>): void {
    this.#answered = true;
    const job = this.#running.get(answer.id);
    this.#running.delete(answer.id);
    if (job !== undefined) {
      job.deadline.cancel();
      if (answer.ok) job.resolve(answer.value);
      else job.reject(new CodedError('INTERNAL'));
    }
    this.#feed();
  }

  /** Waited too long. If the child has it, the child hangs: it is replaced. */
  #expire(job: Job): void {
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    for (const [id, running] of this.#running) {
      if (running !== job) continue;
      this.#running.delete(id);
      this.#child?.kill('SIGKILL');
    }
    this.#refuse(job);
  }

  #refuse(job: Job): void {
    job.deadline.cancel();
    job.reject(new CodedError('BUSY'));
  }

  #spawn(): void {
    this.#answered = false;
    const child = startInBackground({
      path: program,
      env: { UV_THREADPOOL_SIZE: String(limits.hashConcurrency) },
    });
    this.#child = child;
    child.on('message', (answer: HashAnswer) => {
      if (answer.id === null) giveWay(child, this.#logger);
      else this.#answer(answer);
    });
    child.on('error', (error) => this.#logger.error({ cause: error.message }, 'the hashing process failed'));
    child.once('exit', (code, signal) => this.#exited(child, code, signal));
    this.#feed();
  }

  #exited(child: ChildProcess, code: number | null, signal: string | null): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#logger.warn({ code, signal }, 'the hashing process ended; it is replaced');
    const jobs = [...this.#running.values()];
    this.#running.clear();
    for (const job of jobs.reverse()) {
      if (job.attempts < attemptsMax) this.#waiting.unshift(job);
      else this.#refuse(job);
    }
    this.#respawn = this.#clock.after(this.#answered ? 0 : respawnMs, () => {
      if (!this.#stopped) this.#spawn();
    });
  }
}
