/** People on plain lines, who connect by hand to the next node when theirs is gone. */
import { setTimeout as delay } from 'node:timers/promises';
import { LineClient } from '../../../../test/cluster/support/line-client.ts';
import type { RealCluster } from '../../real-cluster.ts';
import type { Journal, SendOutcome, Token } from './journal.ts';
import type { Speech, Target } from './speech.ts';

/** Before the next node is tried. */
const againMs = 100;
const silentMs = 3_600_000;

export class LinePerson {
  readonly speech: Speech;
  readonly #cluster: RealCluster;
  readonly #speaks: boolean;
  #node: number;
  #line: LineClient | null = null;
  #closed = false;
  reconnections = -1;

  constructor(cluster: RealCluster, speech: Speech, node: number, speaks: boolean) {
    this.#speaks = speaks;
    this.#cluster = cluster;
    this.speech = speech;
    this.#node = node;
  }

  /** Registers, comes in, and joins the group. */
  async enter(): Promise<void> {
    const line = await this.#open();
    await this.speech.signUp(line);
    line.close();
    await this.speech.joinGroup(await this.line());
  }

  /** A connection that is logged in, on whichever node answers. */
  async line(): Promise<LineClient> {
    while (this.#line === null || this.#line.isClosed) {
      if (this.#closed) throw new Error(`${this.speech.name} has left`);
      this.#line = null;
      let line: LineClient | null = null;
      try {
        line = await this.#open();
        await this.speech.logIn(line);
        if (this.#speaks) await this.speech.getReady?.(line);
        this.#line = line;
        this.reconnections += 1;
      } catch {
        line?.close();
        this.#node += 1;
        await delay(againMs);
      }
    }
    return this.#line;
  }

  /** An answer that does not come, or the end of the connection, leaves the outcome unknown. */
  async say(to: Target, token: Token): Promise<SendOutcome> {
    try {
      const line = await this.line();
      try {
        return await this.speech.say(line, to, token);
      } catch {
        line.close();
        return 'unknown';
      }
    } catch {
      return 'unknown';
    }
  }

  /** Listens until it is closed. What comes again on another connection, where nobody acknowledges, is counted; what comes twice otherwise is reported. */
  async listen(journal: Journal, reader: string, repeats: Repeats): Promise<void> {
    while (!this.#closed) {
      try {
        const line = await this.line();
        const onThisLine = new Set<Token>();
        for (;;) {
          const token = this.speech.heard(line, await line.next(silentMs));
          if (token === null) continue;
          if (!journal.hear(reader, token)) {
            if (onThisLine.has(token) || this.speech.acknowledges)
              repeats.faults.push(`${reader} got ${token} twice`);
            else repeats.afterReconnection += 1;
          }
          onThisLine.add(token);
        }
      } catch {
        // The connection is gone; the next one brings what was missed.
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#line?.close();
  }

  #open(): Promise<LineClient> {
    const { nodes, trust } = this.#cluster;
    const node = nodes[this.#node % nodes.length];
    const port = node?.chatPort ?? 0;
    return trust.kind === 'plain' ? LineClient.open(port) : LineClient.openSecure(port, trust);
  }
}

export interface Repeats {
  afterReconnection: number;
  readonly faults: string[];
}
