/**
 * Nodes that exist in memory only and speak the native protocol over a virtual network: enough of the replicated state to judge a
 * client (sessions with receipts, one order of messages, delivery from a cursor), and every fault as a method.
 */
import type { ErrorCode } from '../../src/base/errors.ts';
import type { Dialer, Secrets, SocketListener } from '../../src/client/ports.ts';
import type {
  Hello,
  NativeRequest,
  NodeAddress,
  NumberedRequest,
  QueryRequest,
} from '../../src/protocol/native.ts';
import type { MessageEntry, Success } from '../../src/protocol/requests.ts';
import type { VirtualClock } from '../support/virtual-clock.ts';

interface Session {
  user: string | null;
  ended: boolean;
  highest: number;
  readonly answers: Map<number, { readonly body: string; readonly outcome: object }>;
}

interface Connection {
  readonly node: FakeNode;
  readonly listener: SocketListener;
  /** Either end is gone: nothing travels any more. */
  broken: boolean;
  session: string | null;
  /** Log index that the next push must exceed; null before delivery. */
  cursor: number | null;
}

interface FakeNode {
  readonly id: number;
  up: boolean;
  frozen: boolean;
  /** What it would have said while it was frozen, and what arrived meanwhile. */
  readonly unsaid: (() => void)[];
  readonly unread: (() => void)[];
}

export const latencyMs = 1;
const operationMs = 5_000;

export class FakeCluster implements Dialer {
  readonly #clock: VirtualClock;
  readonly nodes: FakeNode[];
  /** Numbers of the members, as nodes tell them. */
  #members: readonly number[];
  readonly #connections = new Set<Connection>();
  readonly sessions = new Map<string, Session>();
  readonly accounts = new Map<string, string>();
  readonly messages: MessageEntry[] = [];
  /** Acknowledged by a user: log index. */
  readonly acknowledged = new Map<string, number>();
  /** Everything a node read, in order: what a test looks at. */
  readonly heard: { readonly node: number; readonly request: NativeRequest }[] = [];
  readonly frames: string[] = [];
  readonly dialled: number[] = [];
  #waiting: (() => void)[] = [];
  #leader: number | null = 1;
  #index = 10;
  /** Executes so many changes and loses their replies. */
  losesReplies = 0;
  /** Never answers a change of this kind. */
  losesRepliesTo: string | null = null;
  /** Access token → user. */
  readonly tokens = new Map<string, string>();
  /** How long a node's welcome is on its way, beyond the latency of all. */
  readonly welcomeMs = new Map<number, number>();
  /** Answers the next numbered requests with these instead of executing them. */
  readonly refusals: (ErrorCode | 'unknown')[] = [];
  /** Longer lists come in several replies. */
  entriesPerReply = 1_000;
  /** Keeps the last reply of the next lists to itself. */
  losesLastParts = 0;

  constructor(clock: VirtualClock, nodes = 3) {
    this.#clock = clock;
    this.nodes = Array.from({ length: nodes }, (_, index) => newNode(index + 1));
    this.#members = this.nodes.map(({ id }) => id);
  }

  /** Another node runs; it becomes a member by `setMembers`. Its number is the next one. */
  addNode(): number {
    return this.nodes.push(newNode(this.nodes.length + 1));
  }

  setMembers(ids: readonly number[]): void {
    this.#members = ids;
    for (const connection of this.#connections) {
      if (connection.session !== null) this.#tell(connection, { ev: 'nodes', nodes: this.#addresses() });
    }
  }

  #addresses(): readonly NodeAddress[] {
    return this.#members.map((id) => ({
      id,
      host: '127.0.0.1',
      chatPort: 7200 + id,
      httpPort: 7300 + id,
    }));
  }

  get addresses(): { host: string; port: number }[] {
    return this.nodes.map(({ id }) => ({ host: '127.0.0.1', port: 7300 + id }));
  }

  /** Node numbers of the live connections, of those that have said hello, and of silent ones. */
  connected(kind: 'greeted' | 'silent'): number[] {
    return [...this.#connections]
      .filter((connection) => (connection.session !== null) === (kind === 'greeted'))
      .map((connection) => connection.node.id);
  }

  // ——— faults

  kill(id: number): void {
    const node = this.#node(id);
    node.up = false;
    node.frozen = false;
    node.unsaid.length = 0;
    node.unread.length = 0;
    for (const connection of [...this.#connections]) if (connection.node === node) this.#break(connection);
    if (this.#leader === id) this.setLeader(null);
  }

  restart(id: number): void {
    this.#node(id).up = true;
  }

  /** Its machine vanished or stands still: nothing arrives, nothing is answered, nothing is closed. */
  freeze(id: number): void {
    this.#node(id).frozen = true;
  }

  thaw(id: number): void {
    const node = this.#node(id);
    node.frozen = false;
    for (const action of [...node.unsaid.splice(0), ...node.unread.splice(0)]) action();
    this.#serveWaiting();
  }

  /** A planned stop: says so, then closes. */
  stop(id: number): void {
    const node = this.#node(id);
    for (const connection of [...this.#connections]) {
      if (connection.node !== node) continue;
      this.#tell(connection, { ev: 'closing', code: 'GOING_AWAY', text: 'The node stops.' });
      this.#clock.after(50, () => this.#break(connection));
    }
    this.#clock.after(60, () => {
      node.up = false;
    });
  }

  setLeader(leader: number | null): void {
    this.#leader = leader;
    for (const connection of this.#connections) {
      if (connection.session !== null) this.#tell(connection, { ev: 'leader', leader });
    }
    this.#serveWaiting();
  }

  #serveWaiting(): void {
    if (!this.#hasLeader) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const action of waiting) action();
  }

  get #hasLeader(): boolean {
    return this.#leader !== null && !this.#node(this.#leader).frozen;
  }

  forgetSessions(): void {
    this.sessions.clear();
  }

  /** Says something to every connection of a user. */
  tellUser(user: string, event: object): void {
    for (const connection of this.#connections) {
      if (this.#userOf(connection) === user) this.#tell(connection, event);
    }
  }

  breakUser(user: string): void {
    for (const connection of [...this.#connections]) {
      if (this.#userOf(connection) === user) this.#break(connection);
    }
  }

  /** A message from someone who is not under test. */
  post(from: string, to: string, text: string): void {
    const conversation = [from, to].sort().join(':');
    const sequence = this.messages.filter((message) => message.conversation === conversation).length + 1;
    this.#index += 1;
    this.messages.push({
      conversation,
      sequence,
      index: this.#index,
      from,
      to,
      number: sequence,
      text,
      sentMs: 0,
    });
    for (const connection of this.#connections) this.#deliver(connection);
  }

  // ——— the network

  dial({ port }: { port: number }, listener: SocketListener): { send(text: string): void; close(): void } {
    const node = this.#node(port - 7300);
    this.dialled.push(node.id);
    const connection: Connection = { node, listener, broken: false, session: null, cursor: null };
    this.#arrive(node, () => {
      if (connection.broken) return;
      if (!node.up) {
        connection.broken = true;
        listener.closed('connection refused');
        return;
      }
      this.#connections.add(connection);
      this.#clock.after(latencyMs, () => {
        if (!connection.broken) listener.opened();
      });
    });
    return {
      send: (text) => {
        this.frames.push(text);
        this.#arrive(node, () => {
          if (!connection.broken && node.up) this.#receive(connection, text);
        });
      },
      close: () => {
        connection.broken = true;
        this.#connections.delete(connection);
      },
    };
  }

  #arrive(node: FakeNode, action: () => void): void {
    this.#clock.after(latencyMs, () => {
      if (node.frozen) node.unread.push(action);
      else action();
    });
  }

  #tell(connection: Connection, frame: object): void {
    if (connection.node.frozen) {
      connection.node.unsaid.push(() => this.#tell(connection, frame));
      return;
    }
    this.#clock.after(latencyMs, () => {
      if (!connection.broken) connection.listener.received(JSON.stringify(frame));
    });
  }

  #break(connection: Connection): void {
    if (connection.broken) return;
    this.#connections.delete(connection);
    // Frames already on their way are lost with the connection.
    connection.broken = true;
    this.#clock.after(latencyMs, () => connection.listener.closed('connection reset'));
  }

  // ——— the nodes

  #receive(connection: Connection, text: string): void {
    const value: unknown = JSON.parse(text);
    for (const request of (Array.isArray(value) ? value : [value]) as NativeRequest[]) {
      this.heard.push({ node: connection.node.id, request });
      if (request.op === 'hello') this.#greet(connection, request);
      else if (request.op === 'ping') this.#tell(connection, { ev: 'pong' });
      else if (request.op === 'ack') this.#acknowledge(connection, request.index);
      else if (request.op !== 'read')
        this.#serve(() => this.#execute(connection, request), connection, request);
    }
  }

  /** Waits for a leader, at most as long as a node does. */
  #serve(action: () => void, connection: Connection, request: NumberedRequest | QueryRequest): void {
    if (this.#hasLeader) {
      action();
      return;
    }
    this.#waiting.push(action);
    this.#clock.after(operationMs, () => {
      if (!this.#waiting.includes(action)) return;
      this.#waiting = this.#waiting.filter((other) => other !== action);
      this.#tell(connection, { ...numberOf(request), ...refusal('UNAVAILABLE') });
    });
  }

  /** A node makes sure that it is up to date before it says who is logged in. */
  #greet(connection: Connection, hello: Hello): void {
    if (this.#hasLeader) this.#hello(connection, hello);
    else this.#waiting.push(() => this.#hello(connection, hello));
  }

  #hello(connection: Connection, hello: Hello): void {
    if (connection.broken) return;
    connection.session = hello.session;
    const session = this.sessions.get(hello.session);
    const user = session === undefined || session.ended ? null : session.user;
    const welcome = {
      ev: 'welcome',
      v: 1,
      node: connection.node.id,
      leader: this.#leader,
      nodes: this.#addresses(),
      user,
      highest: session?.highest ?? 0,
    };
    const heldMs = this.welcomeMs.get(connection.node.id) ?? 0;
    if (heldMs === 0) this.#tell(connection, welcome);
    else this.#clock.after(heldMs, () => this.#tell(connection, welcome));
    if (user === null) return;
    connection.cursor = hello.after ?? this.acknowledged.get(user) ?? 0;
    this.#deliver(connection);
  }

  #acknowledge(connection: Connection, index: number): void {
    const user = this.#userOf(connection);
    if (user !== null) this.acknowledged.set(user, Math.max(index, this.acknowledged.get(user) ?? 0));
  }

  #execute(connection: Connection, request: NumberedRequest | QueryRequest): void {
    const refused = 'n' in request ? this.refusals.shift() : undefined;
    if (refused !== undefined) {
      const answer = refused === 'unknown' ? { unknown: true, text: 'unknown' } : refusal(refused);
      this.#tell(connection, { ...numberOf(request), ...answer });
      return;
    }
    const outcome = 'n' in request ? this.#change(connection, request) : this.#read(connection, request);
    if (request.op === this.losesRepliesTo) return;
    if ('n' in request && this.losesReplies > 0) {
      this.losesReplies -= 1;
      return;
    }
    for (const part of this.#partsOf(outcome)) this.#tell(connection, { ...numberOf(request), ...part });
    this.#deliver(connection);
  }

  #partsOf(outcome: object): object[] {
    if (!('value' in outcome)) return [outcome];
    const value = outcome.value as Success;
    if (value.op !== 'history' || value.messages.length <= this.entriesPerReply) return [outcome];
    const parts: object[] = [];
    for (let from = 0; from < value.messages.length; from += this.entriesPerReply) {
      const messages = value.messages.slice(from, from + this.entriesPerReply);
      const more = from + this.entriesPerReply < value.messages.length ? { more: true } : {};
      parts.push({ ok: true, value: { ...value, messages }, ...more });
    }
    if (this.losesLastParts-- > 0) parts.pop();
    return parts;
  }

  #change(connection: Connection, request: NumberedRequest): object {
    const { n, low: _low, ...rest } = request;
    const body = JSON.stringify(rest);
    const session = this.#sessionFor(connection, n);
    const known = session?.answers.get(n);
    if (known !== undefined) return known.body === body ? known.outcome : refusal('CONFLICT');
    if (session === undefined || session.ended) return refusal('SESSION_EXPIRED');
    const outcome = this.#apply(session, request);
    session.highest = Math.max(session.highest, n);
    session.answers.set(n, { body, outcome });
    if (request.op === 'login' && session.user !== null)
      connection.cursor ??= this.acknowledged.get(session.user) ?? 0;
    return outcome;
  }

  #sessionFor(connection: Connection, n: number): Session | undefined {
    const id = connection.session ?? '';
    const known = this.sessions.get(id);
    if (known !== undefined || n !== 1) return known;
    const session: Session = { user: null, ended: false, highest: 0, answers: new Map() };
    this.sessions.set(id, session);
    return session;
  }

  #apply(session: Session, request: NumberedRequest): object {
    switch (request.op) {
      case 'register':
        if (this.accounts.has(request.user)) return refusal('NAME_TAKEN');
        this.accounts.set(request.user, request.password);
        return receipt({ op: 'register', user: request.user });
      case 'login':
        if (session.user !== null) return refusal('ALREADY_LOGGED_IN');
        if (this.accounts.get(request.user) !== request.password) return refusal('BAD_CREDENTIALS');
        session.user = request.user;
        return receipt({ op: 'login', user: request.user });
      case 'enter-token': {
        const user = this.tokens.get(request.token);
        if (user === undefined) return refusal('TOKEN_INVALID');
        session.user = user;
        return receipt({ op: 'login', user });
      }
      case 'logout':
      case 'delete':
        if (session.user === null) return refusal('AUTH_REQUIRED');
        if (request.op === 'delete') this.accounts.delete(session.user);
        session.user = null;
        session.ended = true;
        return receipt(request.op === 'logout' ? { op: 'logout' } : { op: 'delete', user: request.user });
      case 'send':
        return this.#send(session, request.to, request.text);
      default:
        return refusal('NOT_IMPLEMENTED');
    }
  }

  #send(session: Session, to: string, text: string): object {
    if (session.user === null) return refusal('AUTH_REQUIRED');
    if (!this.accounts.has(to)) return refusal('UNKNOWN_USER');
    this.post(session.user, to, text);
    const message = this.messages.at(-1);
    if (message === undefined) throw new Error('posted');
    const { conversation, sequence, index, number, sentMs } = message;
    const online = [...this.#connections].some((connection) => this.#userOf(connection) === to);
    return receipt({ op: 'send', to, online, conversation, sequence, index, number, sentMs });
  }

  #read(connection: Connection, request: QueryRequest): object {
    const user = this.#userOf(connection);
    if (request.op === 'history') {
      if (user === null) return refusal('AUTH_REQUIRED');
      // By its id, or by the name of the other one.
      const conversation = request.with.includes(':') ? request.with : [user, request.with].sort().join(':');
      const before = request.before ?? Number.POSITIVE_INFINITY;
      const all = this.messages.filter((m) => m.conversation === conversation && m.sequence < before);
      return receipt({ op: 'history', messages: all.slice(-request.limit) });
    }
    if (request.op !== 'users' && request.op !== 'search') return refusal('NOT_IMPLEMENTED');
    const names = [...this.accounts.keys()].sort();
    const wanted = request.op === 'users' ? names : names.filter((name) => name.startsWith(request.pattern));
    const users = wanted.map((name) => ({
      name,
      online: [...this.#connections].some((other) => this.#userOf(other) === name),
    }));
    return receipt({ op: request.op, users });
  }

  #deliver(connection: Connection): void {
    const user = this.#userOf(connection);
    if (user === null || connection.cursor === null) return;
    for (const message of this.messages) {
      if (message.index <= connection.cursor || (message.from !== user && message.to !== user)) continue;
      connection.cursor = message.index;
      this.#tell(connection, { ev: 'message', ...message });
    }
    connection.cursor = Math.max(connection.cursor, this.#index);
    this.#tell(connection, { ev: 'caught-up', index: connection.cursor });
  }

  #userOf(connection: Connection): string | null {
    const session = this.sessions.get(connection.session ?? '');
    return session === undefined || session.ended ? null : session.user;
  }

  #node(id: number): FakeNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }
}

function newNode(id: number): FakeNode {
  return { id, up: true, frozen: false, unsaid: [], unread: [] };
}

/** Distinct, and the same in every run. */
export function countingSecrets(): Secrets {
  let made = 0;
  return { hex: (bytes) => (++made).toString(16).padStart(bytes * 2, '0') };
}

function numberOf(request: NumberedRequest | QueryRequest): object {
  return 'n' in request ? { n: request.n } : { q: request.q };
}

function receipt(value: Success): object {
  return { ok: true, value };
}

function refusal(code: ErrorCode): object {
  return { ok: false, code, text: code };
}
