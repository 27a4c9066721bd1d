/**
 * `npm start`: all nodes of the configuration as child processes of one terminal. Restarts what was killed or left a failing disk, ends
 * as a whole when a node refuses to start, and leaves no process behind: a node also stops when its channel to here closes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterConfig } from '../src/base/config.ts';
import { EXIT_DISK_FAILED } from '../src/base/exit-codes.ts';
import { silentLogger } from '../src/base/logger.ts';
import { systemClock } from '../src/base/system-clock.ts';
import { isPlainText } from '../src/base/transport-config.ts';
import { defaultConfigPath, readConfig } from '../src/cli/cluster/nodes.ts';
import { type Arguments, configFlag, type Program, runProgram } from '../src/cli/program/arguments.ts';
import { decideAfter } from '../src/cli/program/restart-policy.ts';
import { TransportSecurity } from '../src/tls/transport-security.ts';

const nodeProgram = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** Until a node that was asked to stop is killed; a kill loses nothing, it only takes longer to recover from. */
const stopMs = 10_000;
/** Of a line of a node's output. */
const lineChars = 16_384;

const program: Program = {
  command: 'npm start --',
  summary: 'Runs all nodes of a cluster in this terminal until Ctrl-C. Data stays between runs.',
  flags: [
    configFlag,
    { name: 'data-root', value: 'DIR', help: 'node N keeps its data in DIR/node-N (default data)' },
    { name: 'log-level', value: 'LEVEL', help: 'debug, info, warn or error (default warn), for all nodes' },
  ],
  notes: [
    [
      'A node that is killed is started again after about a second, one whose disk failed (exit code 74)',
      'after two, and later with each failure in a row. A node that refuses to start ends the whole with its',
      'line and exit code; but for one whose disk is damaged (65), without which the others go on. A node that was stopped by SIGTERM stays stopped.',
    ].join('\n'),
  ],
};

interface ClusterOptions {
  readonly config: ClusterConfig;
  readonly configPath: string;
  readonly dataRoot: string;
  readonly logLevel: string;
}

class NodeRunner {
  readonly id: number;
  readonly #options: ClusterOptions;
  readonly #cluster: Cluster;
  #child: ChildProcess | null = null;
  #startedMs = 0;
  #isReady = false;
  #isOut = false;
  #quickEnds = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(id: number, options: ClusterOptions, cluster: Cluster) {
    this.id = id;
    this.#options = options;
    this.#cluster = cluster;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** It was removed from the cluster, and nobody waits for it. */
  get isOut(): boolean {
    return this.#isOut;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** It runs, or will again. */
  get isAlive(): boolean {
    return this.#child !== null || this.#timer !== null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const { configPath, dataRoot, logLevel } = this.#options;
    const flags = ['--config', configPath, '--id', `${this.id}`, '--data', join(dataRoot, `node-${this.id}`)];
    flags.push('--log-level', logLevel);
    this.#timer = null;
    this.#startedMs = systemClock.monotonicMs();
    // A session of its own: Ctrl-C reaches this process only, which then stops the nodes in its way.
    const child = spawn(process.execPath, ['--import', 'tsx', nodeProgram, ...flags], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, CONCLAVE_PARENT: 'ipc' },
    });
    this.#child = child;
    eachLine(child.stdout, (line) => this.#said(line, process.stdout));
    eachLine(child.stderr, (line) => this.#said(line, process.stderr));
    child.on('error', (error) => this.#say(error.message));
    // After its last output, not before.
    child.once('close', (code, signal) => this.#ended(code, signal));
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#child?.kill(signal);
  }

  #said(line: string, output: NodeJS.WritableStream): void {
    output.write(`[node ${this.id}] ${line}\n`);
    if (!line.startsWith(`node ${this.id} ready:`)) return;
    this.#isReady = true;
    if (this.#quickEnds > 0) this.#say(`is back, process ${this.pid}`);
    this.#cluster.nodeReady();
  }

  #say(text: string): void {
    console.error(`[node ${this.id}] ${text}`);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const wasReady = this.#isReady;
    this.#child = null;
    this.#isReady = false;
    if (!this.#cluster.isStopping) this.#decide(code, signal, wasReady);
    this.#cluster.nodeEnded();
  }

  #decide(code: number | null, signal: NodeJS.Signals | null, wasReady: boolean): void {
    const ranMs = systemClock.monotonicMs() - this.#startedMs;
    const decision = decideAfter({ code, signal, wasReady, ranMs, quickEnds: this.#quickEnds });
    switch (decision.kind) {
      case 'restart': {
        const why =
          code === EXIT_DISK_FAILED
            ? 'left because its disk failed'
            : `ended (${signal ?? `exit code ${code}`})`;
        this.#say(`${why}; starting it again in ${decision.afterMs / 1_000} s`);
        this.#quickEnds = decision.quickEnds;
        this.#timer = setTimeout(() => this.start(), decision.afterMs);
        return;
      }
      case 'leave':
        this.#say(`stopped; start it again with: npm run node -- --id ${this.id}`);
        return;
      case 'removed':
        this.#say('is no member any more; the others go on. Take it out of the configuration file.');
        this.#isOut = true;
        this.#cluster.nodeReady();
        return;
      case 'damaged':
        this.#say(`refuses its data (exit code ${decision.code}); the others go on`);
        this.#isOut = true;
        this.#cluster.nodeOut(decision.code);
        return;
      case 'give-up':
        this.#say(`refuses to start (exit code ${decision.code}); stopping all`);
        this.#cluster.stop(decision.code);
    }
  }
}

class Cluster {
  readonly #options: ClusterOptions;
  readonly #nodes: readonly NodeRunner[];
  readonly #finished: Promise<number>;
  #finish: (code: number) => void = () => undefined;
  #code: number | null = null;
  #codeOfLast = 0;
  #told = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#nodes = options.config.nodes.map(({ id }) => new NodeRunner(id, options, this));
    this.#finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  get isStopping(): boolean {
    return this.#code !== null;
  }

  /** The exit code, once no node runs any more. */
  run(): Promise<number> {
    for (const node of this.#nodes) node.start();
    return this.#finished;
  }

  /** Asks all nodes to stop; the second time, or when it takes too long, they are killed. */
  stop(code: number): void {
    if (this.#code !== null) {
      this.#kill();
      return;
    }
    this.#code = code;
    for (const node of this.#nodes) node.signal('SIGTERM');
    setTimeout(() => this.#kill(), stopMs).unref();
    this.nodeEnded();
  }

  /** For good; the exit code is for the case that no other node is left. */
  nodeOut(code: number): void {
    this.#codeOfLast = code;
    this.nodeReady();
  }

  nodeReady(): void {
    if (this.#told || !this.#nodes.every((node) => node.isReady || node.isOut)) return;
    this.#told = true;
    console.log(this.#guide());
  }

  nodeEnded(): void {
    const isOver = this.#code === null ? !this.#nodes.some((node) => node.isAlive) : !this.#anyRuns();
    if (isOver) this.#finish(this.#code ?? this.#codeOfLast);
  }

  #anyRuns(): boolean {
    return this.#nodes.some((node) => node.isRunning);
  }

  #kill(): void {
    for (const node of this.#nodes) {
      if (node.isRunning) console.error(`[node ${node.id}] did not stop in time: killed`);
      node.signal('SIGKILL');
    }
  }

  #guide(): string {
    const { config, dataRoot, configPath } = this.#options;
    const flags = configPath === defaultConfigPath ? '' : ` -- --config ${configPath}`;
    const running = this.#nodes.filter((node) => !node.isOut);
    const first = config.nodes.find(({ id }) => id === running[0]?.id);
    const { length } = running;
    const name = `"${config.cluster}"`;
    const who = length === 1 ? `The only node of ${name} is` : `All ${length} nodes of ${name} are`;
    const [byHand, gap] = isPlainText(config, 'chat')
      ? ['nc', ' ']
      : ['openssl s_client -quiet -connect', ':'];
    const scheme = isPlainText(config, 'http') ? 'http' : 'https';
    const pids = running.map((node) => `node ${node.id}: ${node.pid}`).join(', ');
    return [
      '',
      `${who} ready.`,
      '',
      `  in a browser     ${scheme}://${first?.host}:${first?.httpPort}/    (the cluster itself, and a button that kills a node: /cluster/ui)`,
      `  at a terminal    npm run client${flags}`,
      `  or by hand       ${byHand} ${first?.host}${gap}${first?.chatPort}    (any node; 1|user|password, 2|user|password, h for help)`,
      `  look at it       npm run admin -- status${flags.replace(' --', '')}`,
      `  make it fail     kill -9 PID    (${pids}; it is started again after a second)`,
      '',
      `Ctrl-C stops all. Data stays in ${dataRoot}/; to begin afresh, stop and remove that directory.`,
      '',
    ].join('\n');
  }
}

/** Whole lines, and what is left at the end; a line without end is cut at a bound. */
function eachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  let started = '';
  stream?.setEncoding('utf8');
  stream?.on('data', (chunk: string) => {
    const lines = (started + chunk).split('\n');
    started = (lines.pop() ?? '').slice(-lineChars);
    for (const line of lines) take(line);
  });
  stream?.on('end', () => {
    if (started !== '') take(started);
  });
}

/** One line for all nodes, before any is started. Rejects with CodedError TLS_INVALID. */
async function requireCertificates(config: ClusterConfig, configPath: string, node: number): Promise<void> {
  const options = { config, configPath, node, clock: systemClock, logger: silentLogger };
  const security = await TransportSecurity.load(options);
  security.stop();
}

async function main(args: Arguments): Promise<number> {
  const configPath = args.text('config') ?? defaultConfigPath;
  const config = readConfig(configPath);
  for (const { id } of config.nodes) await requireCertificates(config, configPath, id);
  const cluster = new Cluster({
    config,
    configPath,
    dataRoot: args.text('data-root') ?? 'data',
    logLevel: args.text('log-level') ?? 'warn',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => cluster.stop(0));
  // The terminal is gone, or whoever read this.
  process.stdout.on('error', () => cluster.stop(0));
  return cluster.run();
}

await runProgram(program, main);
