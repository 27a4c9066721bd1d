import type { Random } from '../../../src/base/prng.ts';
import { type Client, connect, type Session } from '../../../src/client/index.ts';
import type { RealCluster } from '../real-cluster.ts';
import { onlyNode } from './only-node.ts';
import type { Recorder } from './recorder.ts';

export interface WatcherOptions {
  readonly cluster: RealCluster;
  readonly account: string;
  readonly password: string;
  /** The one node that this watcher uses, so that delivery crosses the cluster; it waits while that node is down. Null: any. */
  readonly node: number | null;
  readonly recorder: Recorder;
  readonly random: Random;
}

const shortestStayMs = 700;
const longestStayMs = 3_000;

/**
 * A second session of a writer's account, on a node of its own choice. It hangs up now and then and resumes from its cursor with another
 * client object: to the oracle it is one reader throughout.
 */
export class Watcher {
  readonly name: string;
  readonly account: string;
  readonly #options: WatcherOptions;
  /** Null before the login. */
  #session: Session | null = null;
  #client: Client;
  /** From the very beginning, not from the account's delivered cursors, which its other sessions move too. */
  #after = 0;
  #timer: NodeJS.Timeout | undefined;
  #reconnections = 0;

  private constructor(options: WatcherOptions) {
    this.#options = options;
    this.account = options.account;
    this.name = `watcher of ${options.account} on ${options.node === null ? 'any node' : `node ${options.node}`}`;
    this.#client = this.#connect();
  }

  /** Logged in, before anything is sent, so that it must see every message. */
  static async start(options: WatcherOptions): Promise<Watcher> {
    const watcher = new Watcher(options);
    const reply = await watcher.#client.login(options.account, options.password);
    if (reply.kind !== 'receipt') throw new Error(`${watcher.name} could not log in: ${reply.text}`);
    watcher.#session = watcher.#client.session;
    return watcher;
  }

  get reconnections(): number {
    return this.#reconnections;
  }

  /** From now on it hangs up now and then, until `stay`. */
  wander(): void {
    const { random } = this.#options;
    const stayMs = shortestStayMs + random.below(longestStayMs - shortestStayMs);
    this.#timer = setTimeout(() => {
      this.#client.close();
      this.#reconnections++;
      this.#client = this.#connect();
      this.wander();
    }, stayMs);
  }

  stay(): void {
    clearTimeout(this.#timer);
  }

  close(): void {
    this.stay();
    this.#client.close();
  }

  #connect(): Client {
    const { cluster, node, recorder } = this.#options;
    const place = node === null ? null : cluster.node(node);
    const client = connect({
      nodes: place === null ? cluster.httpAddresses : [{ host: place.host, port: place.httpPort }],
      trust: cluster.trust,
      ...(place === null ? {} : { dialer: onlyNode(place, cluster.trust) }),
      ...(this.#session === null ? {} : { session: this.#session }),
      after: this.#after,
    });
    client.onMessage((message) => {
      // A client that was closed is not this reader any more: what it had received and not handed on comes again.
      if (client !== this.#client) return;
      recorder.read(this.name, message);
      this.#after = message.index;
    });
    return client;
  }
}
