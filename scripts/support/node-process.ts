import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The checkout: nodes run from it, so that `tsx` and the sources are found. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url));

export interface NodeProcessOptions {
  readonly id: number;
  readonly configPath: string;
  readonly dataPath: string;
  readonly logLevel?: string;
  /** Where it listens for its peers, if not where the configuration says. */
  readonly peerListen?: number | undefined;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Its own children may hold its outputs a little longer than it lives. */
const outputsMs = 5_000;
const keptLines = 400;
const keptLineChars = 2_000;

/** One node as a child process. It ends with this process: its IPC channel closes, and `CONCLAVE_PARENT=ipc` tells it to care. */
export class NodeProcess {
  readonly id: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #exit: Exit | null = null;

  constructor(options: NodeProcessOptions) {
    this.id = options.id;
    const { configPath, dataPath, logLevel = 'info' } = options;
    const program = ['--import', 'tsx', `${checkout}src/main.ts`];
    const flags = [
      '--config',
      configPath,
      '--id',
      `${options.id}`,
      '--data',
      dataPath,
      '--log-level',
      logLevel,
      ...(options.peerListen === undefined ? [] : ['--peer-listen', `${options.peerListen}`]),
    ];
    this.#child = spawn(process.execPath, [...program, ...flags], {
      cwd: checkout,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, CONCLAVE_PARENT: 'ipc' },
    });
    this.#keep(this.#child.stdout, '');
    this.#keep(this.#child.stderr, 'stderr: ');
    this.exited = this.#watch();
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** The newest lines of both outputs, those of stderr marked. */
  get output(): readonly string[] {
    return this.#lines;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit === null) this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end. SIGKILL follows when `patienceMs` is over. */
  async end(signal: NodeJS.Signals, patienceMs = 30_000): Promise<Exit> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  async #watch(): Promise<Exit> {
    // `close` rather than `exit`: all output has been read by then.
    const closed = once(this.#child, 'close');
    this.#child.once('exit', (code, signal) => {
      this.#exit = { code, signal };
      const enough = setTimeout(() => this.#dropOutputs(), outputsMs);
      this.#child.once('close', () => clearTimeout(enough));
    });
    try {
      const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
      this.#exit = { code, signal };
    } catch (error) {
      this.#lines.push(`could not be started: ${error instanceof Error ? error.message : 'unknown error'}`);
      this.#exit = { code: -1, signal: null };
    }
    return this.#exit;
  }

  #dropOutputs(): void {
    this.#lines.push('its outputs were still open when it had ended: something that it started lives on');
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #keep(stream: NodeJS.ReadableStream | null, mark: string): void {
    let rest = '';
    const take = (line: string): void => {
      if (line === '') return;
      this.#lines.push(mark + line.slice(0, keptLineChars));
      if (this.#lines.length > keptLines) this.#lines.shift();
    };
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(0, keptLineChars);
      for (const line of lines) take(line);
    });
    stream?.on('end', () => take(rest));
  }
}
