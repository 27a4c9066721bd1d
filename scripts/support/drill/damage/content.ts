/** What the cluster under the drill holds: accounts, direct messages in many conversations, and which of them were acknowledged. */
import type { Random } from '../../../../src/base/prng.ts';
import { encodeProposal } from '../../../../src/chat/codecs/codec.ts';
import { decodeMessage } from '../../../../src/chat/codecs/message-codec.ts';
import type { Command } from '../../../../src/chat/vocabulary/types.ts';
import type { InProcessCluster, InProcessNode } from './in-process-cluster.ts';

const ACCOUNTS = 12;
const AT_ONCE = 50;
const TEXT_CHARS = { least: 20, most: 300 };

interface Sent {
  readonly conversation: string;
  readonly text: string;
}

export class Content {
  readonly #cluster: InProcessCluster;
  readonly #random: Random;
  readonly #accounts: number[] = [];
  readonly acknowledged: Sent[] = [];
  #texts = 0;

  constructor(cluster: InProcessCluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  async register(node: InProcessNode): Promise<void> {
    for (let number = 0; number < ACCOUNTS; number++) {
      const result = await this.#propose(node, null, {
        kind: 'register',
        name: `user${number}`,
        passwordHash: `hash of ${number}`,
      });
      if (result === null || result.kind !== 'registered') throw new Error('an account was not registered');
      this.#accounts.push(result.account);
    }
  }

  /** So many messages between people picked by chance. Those that are acknowledged are remembered. */
  async send(node: InProcessNode, count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => this.#sendOne(node)));
    }
  }

  /** Acknowledged messages that this node does not have. Rejects when what it has cannot be read. */
  async missingOn(node: InProcessNode): Promise<number> {
    const texts = new Map<string, Set<string>>();
    for (const { conversation } of this.acknowledged) texts.set(conversation, new Set());
    for (const [conversation, found] of texts) {
      const range = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 1_000_000 };
      for (const { sequence, record } of await node.store.readStream(conversation, range)) {
        const { body } = decodeMessage(conversation, sequence, record);
        if (body.kind === 'text') found.add(body.text);
      }
    }
    return this.acknowledged.filter(({ conversation, text }) => texts.get(conversation)?.has(text) !== true)
      .length;
  }

  async #sendOne(node: InProcessNode): Promise<void> {
    const [from, to] = [this.#random.below(ACCOUNTS), this.#random.below(ACCOUNTS)];
    const chars = TEXT_CHARS.least + this.#random.below(TEXT_CHARS.most - TEXT_CHARS.least);
    const noise = Array.from({ length: chars }, () => String.fromCharCode(97 + this.#random.below(26)));
    const text = `${++this.#texts} ${noise.join('')}`;
    const receipt = await this.#propose(node, this.#accounts[from] ?? 0, {
      kind: 'send',
      to: `user${to}`,
      body: { kind: 'text', text },
      replyTo: null,
      wantsReceipt: false,
    });
    if (receipt?.kind !== 'sent') return;
    this.acknowledged.push({ conversation: receipt.conversation, text });
  }

  async #propose(node: InProcessNode, account: number | null, command: Command) {
    const actor = account === null ? null : { account, session: null };
    const proposal = encodeProposal({ numbering: null, actor, command });
    const outcome = await this.#cluster.finish(node.engine.propose(proposal));
    if (outcome.kind !== 'applied' || !outcome.result.ok) return null;
    return outcome.result.receipt;
  }
}
