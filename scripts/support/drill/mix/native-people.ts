/** People of the client library, who send small files too; and whoever reads every conversation in the end. */

import { type Client, connect, type FileSource } from '../../../../src/client/index.ts';
import type { FileEntry, MessageEntry } from '../../../../src/protocol/requests.ts';
import type { RealCluster } from '../../real-cluster.ts';
import { type Journal, type SendOutcome, type Token, tokenIn } from './journal.ts';
import { groupName, type Target } from './speech.ts';

const password = 'password';
const giveUpMs = 60_000;
const historyPage = 1_000;

export class NativePerson {
  readonly name: string;
  readonly client: Client;
  readonly files: { readonly token: Token; readonly file: FileEntry }[] = [];

  constructor(cluster: RealCluster, name: string) {
    this.name = name;
    this.client = connect({ nodes: cluster.httpAddresses, trust: cluster.trust, giveUpMs });
  }

  async enter(): Promise<void> {
    const { client, name } = this;
    for (const outcome of [
      await client.register(name, password),
      await client.login(name, password),
      await client.request({ op: 'join-group', group: groupName, create: true }),
    ]) {
      if (outcome.kind !== 'receipt') throw new Error(`${name}: ${outcome.text}`);
    }
  }

  async say(to: Target, token: Token): Promise<SendOutcome> {
    return outcomeOf(await this.client.send(addressOf(to), token));
  }

  /** A file of the same name, with a content that is known by it. */
  async sendFile(to: Target, token: Token): Promise<SendOutcome> {
    return outcomeOf(await this.client.sendFile(addressOf(to), fileOf(token)));
  }

  listen(journal: Journal, reader: string, onRepeat: (token: Token) => void): void {
    this.client.onMessage(({ text, file }) => {
      const token = tokenIn(text);
      if (token === null) return;
      if (!journal.hear(reader, token)) onRepeat(token);
      if (file !== undefined) this.files.push({ token, file });
    });
  }

  /** Names of files that are not what was sent. */
  async damagedFiles(): Promise<string[]> {
    const damaged: string[] = [];
    for (const { token, file } of this.files) {
      const pieces: Uint8Array[] = [];
      const outcome = await this.client.fetchFile(file, async (piece) => void pieces.push(piece.slice()));
      const isWhole = outcome.kind === 'fetched' && Buffer.concat(pieces).equals(contentOf(token));
      if (!isWhole)
        damaged.push(`${file.name}: ${outcome.kind === 'fetched' ? 'other bytes' : outcome.text}`);
    }
    return damaged;
  }
}

/** Reads a whole conversation of an account's, by a session of its own. */
export async function readConversation(
  cluster: RealCluster,
  journal: Journal,
  account: string,
  address: string,
): Promise<readonly Token[]> {
  const client = connect({ nodes: cluster.httpAddresses, trust: cluster.trust, giveUpMs });
  try {
    const login = await client.login(account, password);
    if (login.kind !== 'receipt') throw new Error(`logging in ${account} again: ${login.text}`);
    const pages: (readonly MessageEntry[])[] = [];
    for (let before: number | undefined; before !== 1; ) {
      const reply = await client.history(address, {
        limit: historyPage,
        ...(before === undefined ? {} : { before }),
      });
      if (reply.kind !== 'receipt') throw new Error(`history of ${account} with ${address}: ${reply.text}`);
      const page = reply.value.messages;
      before = page[0]?.sequence ?? 1;
      pages.unshift(page);
    }
    const reader = `history of ${account} with ${address}`;
    const messages = pages.flat();
    for (const message of messages) {
      const token = tokenIn(message.text);
      if (token !== null) journal.read(reader, token, message);
    }
    const last = messages.at(-1);
    if (last !== undefined) journal.scan('complete', reader, last.conversation);
    return messages.flatMap(({ text }) => tokenIn(text) ?? []);
  } finally {
    await client.close();
  }
}

function addressOf(to: Target): string {
  if (to.kind === 'user') return to.name;
  return to.kind === 'group' ? `#${groupName}` : '#lobby';
}

function outcomeOf(outcome: { readonly kind: 'receipt' | 'rejection' | 'unknown' }): SendOutcome {
  if (outcome.kind === 'receipt') return 'acknowledged';
  return outcome.kind === 'rejection' ? 'rejected' : 'unknown';
}

const fileBytes = 5_000;

function contentOf(token: Token): Buffer {
  return Buffer.alloc(fileBytes, token);
}

function fileOf(token: Token): FileSource {
  const content = contentOf(token);
  return {
    name: `${token}.txt`,
    type: 'text/plain',
    bytes: content.byteLength,
    read: async (from, to) => content.subarray(from, to),
  };
}
