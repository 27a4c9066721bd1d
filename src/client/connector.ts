/**
 * Which connection is used, which is tried, which stands by. At most three: the *active* one carries requests; a *candidate* has said
 * hello (or is being dialled to do so) and takes over when it is welcomed; the *standby* is open and silent, so that a failover begins
 * with hello and not with a handshake.
 *
 * Failures move to another node at once; preferences (the leader moved, the node is about to stop, it knows no leader) dial first and
 * leave the old connection only when the new one is ready. What was unanswered is then sent again under its numbers, which makes every
 * move safe.
 *
 * Has no timer of its own: `work` does what is due and says when it wants to be called again.
 */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/prng.ts';
import type { NativeEvent, NativeFrame, Welcome } from '../protocol/native.ts';
import type { ConnectorHost } from './connector-host.ts';
import { LeaderMove } from './leader-move.ts';
import { Link } from './link.ts';
import type { Dialer } from './ports.ts';
import { Rotation } from './rotation.ts';
import { backOffMs, type Server, type ServerPool } from './server-pool.ts';
import { judgeSilence, silenceDueMs } from './silence.ts';
import { Standby } from './standby.ts';
import { timings } from './timings.ts';

export interface ConnectorOptions {
  readonly pool: ServerPool;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly random: Random;
}

type Closing = Extract<NativeEvent, { readonly ev: 'closing' }>;

export class Connector {
  readonly #pool: ServerPool;
  readonly #dialer: Dialer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #host: ConnectorHost;
  readonly #rotation: Rotation;
  readonly #standby: Standby;
  readonly #move: LeaderMove;
  #active: Link | null = null;
  #candidate: Link | null = null;
  /** Null: not planned. */
  #seekAtMs: number | null = null;
  #activeSinceMs = 0;
  #shortLives = 0;
  /** The next connection is not the end of a failure. */
  #planned = true;
  /** Delivery must begin again from the cursor: the next welcome counts, whatever it says. */
  #refreshing = false;
  /** The active connection does not answer: another one is sought, and the first that speaks wins. */
  #probing = false;
  #toldUnreachable = false;
  #closed = false;

  constructor(options: ConnectorOptions, host: ConnectorHost) {
    this.#pool = options.pool;
    this.#dialer = options.dialer;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#host = host;
    this.#rotation = new Rotation(options.random);
    this.#move = new LeaderMove({ ...options, wake: (atMs) => host.wake(atMs) });
    this.#standby = new Standby({
      ...options,
      dial: (server) => this.#dial(server),
      wake: (atMs) => host.wake(atMs),
    });
  }

  /** Node number of the connection in use. */
  get node(): number | null {
    return this.#active?.node ?? null;
  }

  get isReady(): boolean {
    return this.#active !== null;
  }

  start(): void {
    this.#seek();
  }

  /** `now`: do not wait for the end of the turn. */
  send(parts: readonly string[], when: 'now' | 'end-of-turn'): void {
    this.#active?.send(parts);
    if (when === 'now') this.#active?.flush();
  }

  /** The session changed: says hello again, quietly, on the same node. */
  renew(): void {
    const server = this.#active?.server;
    this.#candidate?.close();
    this.#active?.close();
    this.#active = null;
    this.#candidate = null;
    this.#probing = false;
    this.#planned = true;
    if (server === undefined) this.#seek();
    else this.#dialCandidate(server);
  }

  /** Asks for delivery again, from the cursor, without a gap in service. */
  refresh(): void {
    this.#refreshing = true;
    if (this.#active !== null && this.#candidate === null) this.#dialCandidate(this.#active.server);
  }

  /** The node answered that it cannot serve: perhaps another one can. */
  suspect(): void {
    const now = this.#clock.monotonicMs();
    if (this.#active !== null) this.#rotate(this.#active, now);
  }

  close(): void {
    this.#closed = true;
    this.#active?.close();
    this.#candidate?.close();
    this.#standby.close();
    this.#active = null;
    this.#candidate = null;
  }

  /** `late`: this call comes so late that silence proves nothing. Returns when to call again, or null. */
  work(late: boolean): number | null {
    if (this.#closed) return null;
    const now = this.#clock.monotonicMs();
    this.#checkCandidate(now);
    if (this.#active !== null) this.#checkAlive(this.#active, now, late);
    if (this.#active !== null) this.#checkLeaderless(this.#active, now);
    if (this.#seekAtMs !== null && this.#seekAtMs <= now) {
      // Also when a candidate is being tried: its end seeks on. A time that stays due would be asked for again at once, for ever.
      this.#seekAtMs = null;
      if (this.#needsConnection()) this.#seek();
    }
    if (this.#move.isDue(now)) this.#moveToLeader(now);
    this.#standby.work(this.#active?.server ?? null, this.#candidate !== null);
    return this.#nextDue();
  }

  #nextDue(): number | null {
    const due = [this.#seekAtMs, this.#move.dueMs, this.#standby.dueMs()];
    if (this.#candidate !== null) due.push(this.#candidate.handshakeEndMs);
    if (this.#active !== null)
      due.push(silenceDueMs(this.#active, this.#host.waitingSinceMs(), this.#probing));
    if (this.#active !== null && this.#candidate === null) due.push(this.#leaderlessDueMs(this.#active));
    const times = due.filter((time) => time !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  // ——— finding a connection

  #needsConnection(): boolean {
    return this.#active === null || this.#active.leaving || this.#probing || this.#refreshing;
  }

  #seek(): void {
    if (this.#closed || this.#candidate !== null) return;
    this.#seekAtMs = null;
    const standby = this.#standby.take();
    if (standby !== null) {
      this.#becomeCandidate(standby);
      return;
    }
    const now = this.#clock.monotonicMs();
    const choice = this.#pool.choose(now, this.#active === null ? [] : [this.#active.server]);
    if (choice === undefined) return;
    if (choice.delayMs > 0) this.#planSeek(now + choice.delayMs);
    else this.#dialCandidate(choice.server);
  }

  #planSeek(atMs: number): void {
    this.#seekAtMs = atMs;
    this.#host.wake(atMs);
  }

  #dialCandidate(server: Server): void {
    this.#host.status({ kind: 'connecting', ...server.address });
    this.#becomeCandidate(this.#dial(server));
  }

  #becomeCandidate(link: Link): void {
    this.#candidate = link;
    if (link.isOpen) this.#greet(link);
    this.#host.wake(link.handshakeEndMs);
  }

  #greet(link: Link): void {
    link.greet(this.#host.hello(), this.#host.logins());
  }

  #dial(server: Server): Link {
    return new Link(server, this.#dialer, this.#clock, {
      opened: (link) => {
        if (link === this.#candidate) this.#greet(link);
        else this.#pool.connected(link.server);
      },
      received: (link, frame) => this.#received(link, frame),
      lost: (link, reason) => this.#lost(link, reason),
    });
  }

  #checkCandidate(now: number): void {
    const candidate = this.#candidate;
    if (candidate === null || now < candidate.handshakeEndMs) return;
    candidate.close();
    this.#lost(candidate, 'no answer');
  }

  #welcomed(link: Link, welcome: Welcome): void {
    if (welcome.user !== null || !link.isBehind(this.#host.logins())) {
      this.#adopt(link, welcome);
      return;
    }
    // A login was answered on the other connection meanwhile, and this one knows nothing of it: it is opened once more.
    link.close();
    this.#dialCandidate(link.server);
  }

  #adopt(link: Link, welcome: Welcome): void {
    const now = this.#clock.monotonicMs();
    this.#pool.identify(link.server, welcome.node);
    this.#pool.learn(welcome.nodes);
    this.#pool.connected(link.server);
    this.#candidate = null;
    link.welcome = welcome;
    link.setLeader(welcome.leader);
    const old = this.#active;
    if (!this.#needsConnection() && welcome.leader === null) {
      // Knows no leader: the old connection is as good, and needs no repetition.
      link.close();
      return;
    }
    this.#refreshing = false;
    this.#pool.setLeader(welcome.leader);
    this.#active = link;
    this.#activeSinceMs = now;
    this.#toldUnreachable = false;
    if (old !== null) this.#leave(old, now);
    const planned = this.#planned;
    this.#planned = false;
    this.#host.status({ kind: 'connected', node: welcome.node, leader: welcome.leader, planned });
    this.#standby.plan();
    this.#planMove(now);
    this.#host.welcomed(welcome);
  }

  /** Another connection is ready. */
  #leave(old: Link, now: number): void {
    old.close();
    this.#planned = !this.#probing;
    this.#host.disconnected();
    if (!this.#probing) return;
    this.#probing = false;
    this.#pool.failed(old.server, now);
    this.#host.status({ kind: 'down', node: old.node ?? 0, reason: 'no answer' });
  }

  // ——— what a node says

  #received(link: Link, frame: NativeFrame): void {
    if (this.#probing && link === this.#active) this.#spokeAgain();
    if ('ev' in frame) {
      if (frame.ev === 'welcome') {
        if (link === this.#candidate) this.#welcomed(link, frame);
        return;
      }
      if (frame.ev === 'closing') {
        this.#closing(link, frame);
        return;
      }
      if (frame.ev === 'pong') return;
      if (frame.ev === 'leader') {
        this.#leaderChanged(link, frame.leader);
        return;
      }
      if (frame.ev === 'nodes') {
        this.#pool.learn(frame.nodes);
        return;
      }
    }
    if (link === this.#active) this.#host.received(frame);
  }

  #leaderChanged(link: Link, leader: number | null): void {
    link.setLeader(leader);
    if (link !== this.#active) return;
    this.#pool.setLeader(leader);
    if (leader !== null) this.#rotation.leaderElected();
    this.#host.status(leader === null ? { kind: 'electing' } : { kind: 'leader', leader });
    this.#planMove(this.#clock.monotonicMs());
  }

  #closing(link: Link, { code, text }: Closing): void {
    const now = this.#clock.monotonicMs();
    switch (code) {
      case 'GOING_AWAY':
      case 'TOO_MANY_CONNECTIONS':
      case 'BUSY':
        link.leaving = true;
        this.#pool.avoid(link.server, now, timings.avoidMs);
        if (link === this.#active) this.#seek();
        return;
      case 'SLOW_READER':
      case 'IDLE':
        link.leaving = true;
        return;
      case 'SESSION_ENDED':
        link.leaving = true;
        if (link === this.#active) this.#host.sessionEnded();
        return;
      default:
        link.close();
        this.#lost(link, `${code}: ${text}`);
    }
  }

  #lost(link: Link, reason: string): void {
    if (this.#closed) return;
    const now = this.#clock.monotonicMs();
    if (this.#standby.isLink(link)) {
      this.#standby.lost(link);
    } else if (link === this.#candidate) {
      this.#candidate = null;
      this.#pool.failed(link.server, now);
      if (this.#needsConnection()) this.#seek();
      this.#tellUnreachable(reason);
    } else if (link === this.#active) {
      this.#activeLost(link, reason, now);
    }
  }

  #activeLost(link: Link, reason: string, now: number): void {
    this.#active = null;
    this.#probing = false;
    this.#move.unplan();
    this.#standby.unplan();
    this.#planned = link.leaving;
    if (!link.leaving) this.#pool.failed(link.server, now);
    this.#shortLives = now - this.#activeSinceMs < timings.shortLifeMs ? this.#shortLives + 1 : 0;
    this.#host.disconnected();
    if (!link.leaving) this.#host.status({ kind: 'down', node: link.node ?? 0, reason });
    if (this.#shortLives > 1) this.#planSeek(now + backOffMs(this.#shortLives, this.#random));
    else this.#seek();
  }

  #tellUnreachable(reason: string): void {
    if (this.#toldUnreachable || !this.#needsConnection()) return;
    if (!this.#pool.servers.every((server) => server.failures > 0)) return;
    this.#toldUnreachable = true;
    this.#host.status({ kind: 'unreachable', reason });
  }

  // ——— keeping the best connection

  #checkAlive(active: Link, now: number, late: boolean): void {
    switch (judgeSilence(active, this.#host.waitingSinceMs(), this.#probing, late, now)) {
      case 'fine':
        return;
      case 'ask':
        active.ping();
        return;
      case 'probe':
        this.#probing = true;
        this.#seek();
        return;
      case 'gone':
        active.close();
        this.#lost(active, 'no answer');
    }
  }

  #spokeAgain(): void {
    this.#probing = false;
    this.#seekAtMs = null;
    this.#candidate?.close();
    this.#candidate = null;
    this.#standby.plan();
  }

  #checkLeaderless(active: Link, now: number): void {
    const due = this.#leaderlessDueMs(active);
    if (due !== null && now >= due) this.#rotate(active, now);
  }

  #leaderlessDueMs({ leaderlessSinceMs }: Link): number | null {
    if (leaderlessSinceMs === null || !this.#host.isBusy()) return null;
    return Math.max(leaderlessSinceMs + timings.leaderlessMs, this.#rotation.notBeforeMs);
  }

  #rotate(active: Link, now: number): void {
    if (this.#candidate !== null || !this.#rotation.begin(now)) return;
    const choice = this.#pool.choose(now, [active.server]);
    if (choice === undefined || choice.server === active.server) return;
    if (this.#standby.server !== null) this.#seek();
    else if (choice.delayMs === 0) this.#dialCandidate(choice.server);
  }

  /** A leader that was just left because it could not serve is not taken back at once. */
  #planMove(now: number): void {
    this.#move.plan(this.#active, Math.max(now, this.#rotation.notBeforeMs));
  }

  #moveToLeader(now: number): void {
    const server = this.#move.begin(this.#active, now);
    if (server === null || this.#candidate !== null) return;
    if (this.#standby.server === server) this.#seek();
    else this.#dialCandidate(server);
  }
}
