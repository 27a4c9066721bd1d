/**
 * Lines of an export on their way into a cluster: names become the ids that the cluster gave, in batches. What was refused is counted and told;
 * a batch whose outcome is unknown is sent again, since what is there already is accepted again.
 */
import { decodeManifest } from '../../protocol/manifest.ts';

export type Line = Readonly<Record<string, unknown>>;
export type WireRecord = Readonly<Record<string, unknown>>;

export type ImportAnswer =
  | { readonly kind: 'done'; readonly account: number | null; readonly conversation: string | null }
  | { readonly kind: 'refused'; readonly code: string; readonly text: string }
  | { readonly kind: 'unknown' };

export interface ImportReport {
  /** Accepted, by the kind of record. */
  readonly accepted: Readonly<Record<string, number>>;
  /** What was refused or could not be meant, the first ones. */
  readonly problems: readonly string[];
  readonly refused: number;
}

/** An answer for each record, in order. Rejects when the cluster cannot be asked. */
export type SendRecords = (records: readonly WireRecord[]) => Promise<readonly ImportAnswer[]>;

interface Pending {
  readonly line: Line;
  readonly record: WireRecord;
  readonly bytes: number;
  /** Names that its answer gives a meaning. */
  readonly account?: string;
  readonly conversation?: string;
}

const batchRecords = 200;
const batchBytes = 256 * 1024;
/** Each costs the node a hash. */
const batchPasswords = 40;
const attempts = 5;
const problemsTold = 20;

export class LineImport {
  readonly #send: SendRecords;
  readonly #pause: (attempt: number) => Promise<void>;
  readonly #accounts = new Map<string, number>();
  readonly #conversations = new Map<string, string>([['#lobby', 'lobby']]);
  readonly #accepted = new Map<string, number>();
  readonly #problems: string[] = [];
  /** Chunks that are still to come, of the files whose place is kept. */
  readonly #missing = new Map<string, number>();
  #refused = 0;
  #batch: Pending[] = [];

  /** `pause`: before a batch is sent again. */
  constructor(send: SendRecords, pause: (attempt: number) => Promise<void> = () => Promise.resolve()) {
    this.#send = send;
    this.#pause = pause;
  }

  async add(line: Line): Promise<void> {
    if (line.kind === 'unreadable') {
      this.note(`file ${String(line.manifest)}: a part of it could not be read when it was exported`);
      return;
    }
    const manifest = manifestOf(line);
    // Whether its content is there is known once what is on its way was answered.
    if (manifest !== null && !this.#isWhole(manifest)) await this.flush();
    let pending = this.#prepare(line);
    if (pending === null) {
      // It may speak of what is still on its way.
      await this.flush();
      pending = this.#prepare(line);
    }
    if (pending === null) {
      this.#refuse(line, 'it speaks of something that is not there');
      return;
    }
    if (this.#isFull(pending)) await this.flush();
    this.#batch.push(pending);
  }

  async flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    for (let attempt = 1; batch.length > 0; attempt++) {
      const answers = await this.#send(batch.map(({ record }) => record));
      if (attempt < attempts && answers.some(isUnsettled)) {
        await this.#pause(attempt);
        continue;
      }
      for (const [at, pending] of batch.entries()) this.#settle(pending, answers[at] ?? { kind: 'unknown' });
      return;
    }
  }

  report(): ImportReport {
    const accepted = Object.fromEntries(this.#accepted);
    return { accepted, problems: this.#problems, refused: this.#refused };
  }

  /** Told with the others: something that no record could be made of. */
  note(problem: string): void {
    this.#refused += 1;
    if (this.#problems.length < problemsTold) this.#problems.push(problem);
  }

  #isFull({ record, bytes }: Pending): boolean {
    const total = this.#batch.reduce((sum, pending) => sum + pending.bytes, bytes);
    const passwords = this.#batch.filter((pending) => 'password' in pending.record).length;
    const tooMany = this.#batch.length >= batchRecords || total > batchBytes;
    return tooMany || ('password' in record && passwords >= batchPasswords);
  }

  /** Null: a name in it means nothing (yet). */
  #prepare(line: Line): Pending | null {
    const record = this.#recordOf(line);
    if (record === null) return null;
    const bytes = JSON.stringify(record).length;
    const pending = { line, record, bytes };
    switch (line.kind) {
      case 'account':
      case 'deleted-account':
        return { ...pending, account: String(line.account) };
      case 'group':
        return { ...pending, conversation: `#${String(line.name)}` };
      case 'direct':
        return { ...pending, conversation: nameOf(line.ends) };
      default:
        return pending;
    }
  }

  #recordOf(line: Line): WireRecord | null {
    switch (line.kind) {
      case 'account': {
        const { account, ...rest } = line;
        return { ...rest, uuid: account };
      }
      case 'deleted-account':
        return { kind: line.kind, uuid: line.uuid };
      case 'group':
        return this.#replaced(line, { owner: this.#account(line.owner) });
      case 'direct':
        return this.#replaced(line, { ends: this.#each(line.ends), places: this.#places(line.places) });
      case 'member': {
        const { kind, conversation, ...place } = line;
        return this.#replaced(
          { kind },
          { conversation: this.#conversation(conversation), place: this.#place(place) },
        );
      }
      case 'file':
      case 'chunk':
        return line;
      case 'kept':
        return this.#replaced(line, { conversation: this.#conversation(line.conversation) });
      case 'amended':
        return this.#replaced(line, {
          conversation: this.#conversation(line.conversation),
          reactions: this.#reactions(line.reactions),
        });
      case 'message':
      case 'receipt':
        return this.#replaced(this.#body(line), {
          conversation: this.#conversation(line.conversation),
          from: this.#account(line.from),
          to: this.#account(line.to),
        });
      default:
        return null;
    }
  }

  #replaced(line: Line, fields: Readonly<Record<string, unknown>>): WireRecord | null {
    return Object.values(fields).includes(undefined) ? null : { ...line, ...fields };
  }

  /** Without its content a file's message becomes one that says what was there. */
  #body(line: Line): Line {
    const manifest = manifestOf(line);
    return manifest === null || this.#isWhole(manifest) ? line : withText(line);
  }

  #isWhole(manifest: string): boolean {
    return (this.#missing.get(manifest) ?? 1) <= 0;
  }

  /** Null stays null; undefined: there is no such account. */
  #account(name: unknown): number | null | undefined {
    return name === null ? null : this.#accounts.get(String(name));
  }

  #conversation(name: unknown): string | undefined {
    return this.#conversations.get(nameOf(name));
  }

  #each(names: unknown): readonly number[] | undefined {
    if (!Array.isArray(names)) return undefined;
    const ids = names.map((name: unknown) => this.#accounts.get(String(name)));
    return ids.every((id) => id !== undefined) ? ids : undefined;
  }

  #reactions(reactions: unknown): readonly Line[] | undefined {
    if (!Array.isArray(reactions)) return undefined;
    const found = reactions.map((reaction: Line) => {
      const accounts = this.#each(reaction.accounts);
      return accounts === undefined ? undefined : { ...reaction, accounts };
    });
    return found.every((reaction) => reaction !== undefined) ? found : undefined;
  }

  #place(place: Line): Line | undefined {
    const account = this.#accounts.get(String(place.account));
    return account === undefined ? undefined : { ...place, account };
  }

  #places(places: unknown): readonly Line[] | undefined {
    if (!Array.isArray(places)) return undefined;
    const found = places.map((place: Line) => this.#place(place));
    return found.every((place) => place !== undefined) ? found : undefined;
  }

  #settle({ line, account, conversation }: Pending, answer: ImportAnswer): void {
    if (answer.kind !== 'done') {
      this.#refuse(line, answer.kind === 'refused' ? answer.text : 'nobody said what became of it');
      return;
    }
    const kind = String(line.kind);
    this.#accepted.set(kind, (this.#accepted.get(kind) ?? 0) + 1);
    if (line.kind === 'file') this.#missing.set(String(line.manifest), chunksOf(line));
    if (line.kind === 'chunk') this.#came(String(line.manifest));
    if (account !== undefined && answer.account !== null) this.#accounts.set(account, answer.account);
    if (conversation !== undefined && answer.conversation !== null) {
      this.#conversations.set(conversation, answer.conversation);
    }
  }

  #came(manifest: string): void {
    const missing = this.#missing.get(manifest);
    if (missing !== undefined) this.#missing.set(manifest, missing - 1);
  }

  #refuse(line: Line, reason: string): void {
    const about = line.name ?? line.account ?? line.manifest ?? nameOf(line.conversation ?? line.ends ?? '');
    const sequence = typeof line.sequence === 'number' ? ` ${line.sequence}` : '';
    this.note(`${String(line.kind)} ${String(about)}${sequence}: ${reason}`);
  }
}

/** A reordering on its way may have put a message before the one that it follows. */
function isUnsettled(answer: ImportAnswer): boolean {
  return answer.kind === 'unknown' || (answer.kind === 'refused' && answer.code === 'STALE_SEQUENCE');
}

function nameOf(conversation: unknown): string {
  return Array.isArray(conversation) ? conversation.join(' ') : String(conversation);
}

/** Of a message that carries a file; null for every other line. */
function manifestOf(line: Line): string | null {
  const file = fileOf(line);
  return file === null ? null : String(file.manifest);
}

function fileOf({ kind, body }: Line): Line | null {
  if (kind !== 'message' || typeof body !== 'object' || body === null || !('file' in body)) return null;
  const { file } = body;
  return typeof file === 'object' && file !== null ? { ...file } : null;
}

function chunksOf({ content }: Line): number {
  const described = decodeManifest(Buffer.from(String(content), 'base64'));
  return described?.chunks.length ?? Number.POSITIVE_INFINITY;
}

function withText(line: Line): Line {
  return { ...line, body: { kind: 'text', text: `sent a file: ${String(fileOf(line)?.name ?? '')}` } };
}
