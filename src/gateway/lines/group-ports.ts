/**
 * Ports of groups: those that the replicated state gives to groups are open on this node, each speaking the registry dialect with the group left
 * out. The state changes by entries, by a snapshot, or by being rebuilt: so it is looked at, and what is open is made to agree with it. A
 * port that cannot be opened is an alarm and is tried again; nothing else stops for it.
 */
import type { Clock, Timer } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { GroupView } from '../../chat/vocabulary/view.ts';
import type { ChatPort } from './chat-port.ts';

export interface GroupPortsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly view: { groupsWithPort(): readonly Pick<GroupView, 'name' | 'listenerPort'>[] };
  readonly host: string;
  readonly open: (group: string) => Pick<ChatPort, 'listen' | 'stop'>;
}

interface OpenPort {
  readonly group: string;
  readonly server: Pick<ChatPort, 'listen' | 'stop'>;
}

const lookMs = 500;
/** Before a port is tried again that could not be opened. */
const againMs = 5_000;

export class GroupPorts {
  readonly #options: GroupPortsOptions;
  readonly #open = new Map<number, OpenPort>();
  /** Why a port is not open, and when it is tried again. */
  readonly #failed = new Map<
    number,
    { readonly group: string; readonly reason: string; readonly againMs: number }
  >();
  #timer: Timer | null = null;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: GroupPortsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#agree();
    void this.#running.then(() => {
      if (!this.#stopped) this.#timer = this.#options.clock.after(lookMs, () => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
    await Promise.all([...this.#open.keys()].map((port) => this.#close(port)));
  }

  /** What an operator should see to, a line each. */
  alarms(): readonly string[] {
    return [...this.#failed].map(
      ([port, { group, reason }]) => `group port: ${port} of group ${group} is not open: ${reason}`,
    );
  }

  async #agree(): Promise<void> {
    const wanted = new Map(
      this.#options.view.groupsWithPort().map(({ listenerPort, name }) => [listenerPort ?? 0, name]),
    );
    for (const [port, { group }] of [...this.#open]) if (wanted.get(port) !== group) await this.#close(port);
    for (const port of this.#failed.keys()) if (!wanted.has(port)) this.#failed.delete(port);
    for (const [port, group] of wanted) if (!this.#stopped) await this.#tryToOpen(port, group);
  }

  async #tryToOpen(port: number, group: string): Promise<void> {
    const { clock, logger, host, open } = this.#options;
    const failed = this.#failed.get(port);
    if (this.#open.has(port) || (failed !== undefined && failed.againMs > clock.monotonicMs())) return;
    const server = open(group);
    try {
      await server.listen(host, port);
      this.#open.set(port, { group, server });
      this.#failed.delete(port);
      logger.info({ group, port }, 'the port of a group is open');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (failed === undefined) logger.error({ group, port, reason }, 'the port of a group cannot be opened');
      this.#failed.set(port, { group, reason, againMs: clock.monotonicMs() + againMs });
    }
  }

  async #close(port: number): Promise<void> {
    const closing = this.#open.get(port);
    this.#open.delete(port);
    await closing?.server.stop();
    this.#options.logger.info({ group: closing?.group, port }, 'the port of a group is closed');
  }
}
