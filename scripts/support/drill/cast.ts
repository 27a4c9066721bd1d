/**
 * The people of a drill: accounts in pairs that write to each other, so that two writers meet in one conversation (which tests the order
 * between them), and to a group in which all are; every writer reads too, and each pair has a watcher that logs in on another node and
 * comes and goes.
 */
import { randomBytes } from 'node:crypto';
import type { Random } from '../../../src/base/prng.ts';
import { type Client, connect } from '../../../src/client/index.ts';
import type { MessageEntry, Reply, Success } from '../../../src/protocol/requests.ts';
import type { RealCluster, RealNode } from '../real-cluster.ts';
import { onlyNode } from './only-node.ts';
import type { Recorder } from './recorder.ts';
import { Watcher } from './watcher.ts';

export interface Member {
  readonly name: string;
  readonly partner: string;
  readonly client: Client;
}

export interface Call {
  /** Letters that begin every name. */
  readonly label: string;
  readonly people: number;
  readonly recorder: Recorder;
  readonly random: Random;
  /** Watchers use whichever node is there, since theirs may be none any more. */
  readonly roaming?: boolean | undefined;
}

/** Messages asked for at once. */
const historyPage = 1_000;
/** After this time without an answer a send counts as unknown. */
const giveUpMs = 60_000;

export class Cast {
  readonly members: readonly Member[];
  readonly watchers: readonly Watcher[];
  /** Address of the group. */
  readonly group: string;
  readonly #cluster: RealCluster;
  readonly #password: string;

  private constructor(
    cluster: RealCluster,
    password: string,
    group: string,
    members: readonly Member[],
    watchers: readonly Watcher[],
  ) {
    this.#cluster = cluster;
    this.#password = password;
    this.group = group;
    this.members = members;
    this.watchers = watchers;
  }

  /** Registers and logs in an even number of people, and their watchers. */
  static async gather(cluster: RealCluster, call: Call): Promise<Cast> {
    const { label, people, recorder, random, roaming } = call;
    const password = randomBytes(12).toString('hex');
    const names = Array.from({ length: people }, (_, at) => `${label}${at + 1}`);
    const members = await Promise.all(
      names.map(async (name, at): Promise<Member> => {
        const client = connect({ nodes: cluster.httpAddresses, trust: cluster.trust, giveUpMs });
        client.onMessage((message) => recorder.read(name, message));
        must(await client.register(name, password), `registering ${name}`);
        must(await client.login(name, password), `logging in ${name}`);
        return { name, partner: names[at ^ 1] ?? name, client };
      }),
    );
    // Before anything is said, so that everyone must see all of it.
    for (const { name, client } of members) {
      must(await client.request({ op: 'join-group', group: label, create: true }), `${name} joins the group`);
    }
    const watched = members.filter((_, at) => at % 2 === 1);
    const watchers = await Promise.all(
      watched.map(({ name: account }, at) => {
        const node = cluster.nodes[at % cluster.nodes.length]?.id ?? 1;
        return Watcher.start({
          cluster,
          account,
          password,
          node: roaming === true ? null : node,
          recorder,
          random,
        });
      }),
    );
    return new Cast(cluster, password, `#${label}`, members, watchers);
  }

  /** Every conversation of the drill once: who can read it, by which address, and who reads it as it grows. */
  places(): Place[] {
    const pairs = this.members
      .filter((_, at) => at % 2 === 0)
      .map((member) => ({ member, address: member.partner, readers: this.#readersOfPair(member) }));
    const [first] = this.members;
    if (first === undefined) return pairs;
    const readers = [...this.members, ...this.watchers].map(({ name }) => name);
    return [...pairs, { member: first, address: this.group, readers }];
  }

  #readersOfPair(member: Member): string[] {
    const pair = [member.name, member.partner];
    const watchers = this.watchers.filter((watcher) => pair.includes(watcher.account));
    return [...pair, ...watchers.map((watcher) => watcher.name)];
  }

  /** What must be found on no disk: the password of all, and the secrets of the members' sessions. */
  get secrets(): string[] {
    return [this.#password, ...this.members.map(({ client }) => client.session.secret)];
  }

  /** Another session of a member's account, on any node or on one only. */
  async session(member: Member, node?: RealNode): Promise<Client> {
    const client = connect({
      nodes: node === undefined ? this.#cluster.httpAddresses : [{ host: node.host, port: node.httpPort }],
      trust: this.#cluster.trust,
      giveUpMs,
      ...(node === undefined ? {} : { dialer: onlyNode(node, this.#cluster.trust) }),
    });
    must(await client.login(member.name, this.#password), `logging in ${member.name} again`);
    return client;
  }

  /** A new client reads a whole conversation, page by page. Null when it is empty. */
  async readWhole(
    recorder: Recorder,
    { member, address }: Pick<Place, 'member' | 'address'>,
  ): Promise<WholeConversation | null> {
    const client = await this.session(member);
    try {
      const pages: (readonly MessageEntry[])[] = [];
      for (let before: number | undefined; before !== 1; ) {
        const limit = { limit: historyPage, ...(before === undefined ? {} : { before }) };
        const reply = must(await client.history(address, limit), `history of ${member.name}`);
        const page = reply.op === 'history' ? reply.messages : [];
        before = page[0]?.sequence ?? 1;
        pages.unshift(page);
      }
      const messages = pages.flat();
      const last = messages.at(-1);
      if (last === undefined) return null;
      const reader = `history of ${member.name} with ${address}`;
      for (const message of messages) recorder.read(reader, message);
      recorder.complete(reader, last.conversation);
      return { conversation: last.conversation, last: last.sequence };
    } finally {
      client.close();
    }
  }

  close(): void {
    for (const { client } of this.members) client.close();
    for (const watcher of this.watchers) watcher.close();
  }
}

export interface Place {
  readonly member: Member;
  readonly address: string;
  readonly readers: readonly string[];
}

export interface WholeConversation {
  readonly conversation: string;
  readonly last: number;
}

function must(reply: Reply, what: string): Success {
  if (reply.kind === 'receipt') return reply.value;
  throw new Error(`${what}: ${reply.kind === 'rejection' ? `${reply.code}: ` : ''}${reply.text}`);
}
