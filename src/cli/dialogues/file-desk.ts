/**
 * Files at a terminal: sent from a path, saved into the downloads folder when they come. What is received is saved beside the conversation, so
 * that no large file holds up a message, and is opened only where the user has switched that on.
 */
import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { CodedError, errorTable } from '../../base/errors.ts';
import { type Client, openSource, type ProgressListener, saveFile } from '../../client/index.ts';
import { escapeLine } from '../../protocol/escape.ts';
import { safeFileName } from '../../protocol/file-name.ts';
import type { FileEntry, MessageEntry } from '../../protocol/requests.ts';
import type { Show, Verdict } from './dialogue.ts';
import { type FileTexts, sentFileLine } from './file-texts.ts';
import { expandHome } from './home-path.ts';

export interface FileDeskOptions {
  readonly client: Pick<Client, 'sendFile' | 'fetchFile' | 'node'>;
  readonly show: Show;
  readonly texts: FileTexts;
  /** Where received files are saved; null: they are only told. */
  readonly downloads: string | null;
  /** Given where the user has switched opening on. */
  readonly open?: (path: string) => void;
  /** Of the file of that name, in either direction. */
  readonly onProgress?: (name: string, ...progress: Parameters<ProgressListener>) => void;
  /** The transfer of that name has ended, however. */
  readonly onOver?: (name: string) => void;
}

/** One after another; those that come while so many wait are only told. They stay in the conversation. */
const savesWaiting = 1_000;
const sendsWaiting = 100;

export class FileDesk {
  readonly #options: FileDeskOptions;
  #saving: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** Told and not saved. */
  #untaken: MessageEntry | null = null;
  #sending: Promise<void> = Promise.resolve();
  #sendsWaiting = 0;

  constructor(options: FileDeskOptions) {
    this.#options = options;
  }

  /** Shows the answer and says how it ended. */
  async send(to: string, path: string): Promise<Verdict> {
    const { client, show, texts, onProgress, onOver } = this.#options;
    const name = safeFileName(basename(path));
    try {
      const source = await openSource(expandHome(path));
      try {
        const outcome = await client.sendFile(to, source, (...progress) => onProgress?.(name, ...progress));
        if (outcome.kind === 'receipt') {
          await show([sentFileLine(name, outcome.value.to)], 'reply');
          return 'accepted';
        }
        const isTooLarge = outcome.kind === 'rejection' && outcome.code === 'TOO_LARGE';
        const line = isTooLarge
          ? texts.unsendable(`File '${escapeLine(name)}' is too large.`)
          : texts.refused(to, path, outcome);
        await show([line], 'error');
        if (outcome.kind === 'unknown') return 'unknown';
        return outcome.code === 'UNAVAILABLE' && client.node === null ? 'unreachable' : 'rejected';
      } finally {
        onOver?.(name);
        await source.close();
      }
    } catch (error) {
      await show([texts.unsendable(unreadableText(path, error))], 'error');
      return 'rejected';
    }
  }

  /** The same behind the files before it, while other lines go on: for a person who wants to chat meanwhile. */
  async sendBehind(to: string, path: string): Promise<Verdict> {
    if (this.#sendsWaiting >= sendsWaiting) {
      await this.#options.show([this.#options.texts.unsendable(errorTable.BUSY.text)], 'error');
      return 'rejected';
    }
    this.#sendsWaiting += 1;
    this.#sending = this.#sending
      .then(() => this.send(to, path))
      .then(() => {
        this.#sendsWaiting -= 1;
      });
    return 'accepted';
  }

  /** Files that were to be sent and have had no outcome yet. */
  get unsent(): number {
    return this.#sendsWaiting;
  }

  /** A message came: if it carries a file, that is saved behind the ones before it. */
  received(message: MessageEntry): void {
    const { downloads } = this.#options;
    if (message.file === undefined) return;
    if (downloads === null) this.#untaken = message;
    else this.#take(message, downloads);
  }

  /** Saves the file that was told of last, where files are only told. False: there is none. */
  takeLast(directory: string): boolean {
    const message = this.#untaken;
    this.#untaken = null;
    if (message !== null) this.#take(message, directory);
    return message !== null;
  }

  #take(message: MessageEntry, downloads: string): void {
    const { file } = message;
    if (file === undefined || this.#waiting >= savesWaiting) return;
    this.#waiting += 1;
    this.#saving = this.#saving
      .then(() => this.#save(downloads, file, message))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  /** Whether what comes is saved. */
  get saves(): boolean {
    return this.#options.downloads !== null;
  }

  /** Fulfilled when everything that came so far is saved, or told as lost. */
  idle(): Promise<void> {
    return this.#saving;
  }

  async #save(directory: string, file: FileEntry, message: MessageEntry): Promise<void> {
    const { client, show, texts, open, onProgress, onOver } = this.#options;
    const name = safeFileName(file.name);
    try {
      const path = await saveFile(directory, name, async (take) => {
        const outcome = await client.fetchFile(file, take, (...progress) => onProgress?.(name, ...progress));
        if (outcome.kind !== 'fetched') throw new CodedError(outcome.code, outcome.text);
      }).finally(() => onOver?.(name));
      await show([texts.received({ ...message, file: { ...file, name } })], 'message');
      await show([`Saved as ${path}`], 'notice');
      open?.(path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'it failed';
      await show([`File '${escapeLine(name)}' from ${message.from} could not be saved: ${reason}`], 'error');
    }
  }
}

function unreadableText(path: string, error: unknown): string {
  const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  if (isAbsent) return `File '${escapeLine(path)}' does not exist.`;
  const reason = error instanceof Error ? error.message : 'it cannot be read';
  return `File '${escapeLine(path)}' cannot be read: ${escapeLine(reason)}`;
}

/** Hands a file to whatever the desktop opens it with. No shell sees the name. */
export function openWithDesktop(path: string): void {
  const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer' };
  const opener = spawn(openers[process.platform] ?? 'xdg-open', [path], { stdio: 'ignore', detached: true });
  // Without a desktop there is nothing to open it with; the file is saved all the same.
  opener.on('error', () => undefined);
  opener.unref();
}
