/** The registry dialect on one connection, of the shared port or of the port of one group. */
import { limits } from '../../../base/limits.ts';
import {
  formatRegistryGroups,
  formatRegistryMessage,
  formatRegistryReply,
  parseRegistry,
  type RegistryLine,
  registryFailed,
  registryInvalid,
} from '../../../protocol/registry.ts';
import type { Reply } from '../../../protocol/requests.ts';
import type { Desk, Dialect } from './desk.ts';

export interface RegistryOptions {
  /** The group whose port this is; null: the shared one. */
  readonly group: string | null;
  /** Where groups are found that have no address of their own. */
  readonly home: { readonly host: string; readonly port: number };
}

export class RegistryDialect implements Dialect {
  readonly #desk: Desk;
  readonly #options: RegistryOptions;

  constructor(desk: Desk, options: RegistryOptions) {
    this.#desk = desk;
    this.#options = options;
  }

  /** Nothing is pushed. */
  format(): string {
    return '';
  }

  async receive(text: string): Promise<void> {
    const line = parseRegistry(text, this.#options.group);
    switch (line.kind) {
      case 'invalid':
        this.#desk.write([registryInvalid]);
        return;
      case 'failed':
        this.#desk.write([registryFailed]);
        return;
      case 'invite':
        this.#desk.context.invitation = line.code;
        this.#desk.write(['OK']);
        return;
      case 'list':
        await this.#list();
        return;
      case 'new-user':
        await this.#newUser();
        return;
      case 'register-group': {
        const { group, host, port } = line;
        this.#note(`JOIN REQUEST FROM ${host}:${port}`);
        const reply = await this.#desk.execute({ op: 'announce-group', group, host, port });
        this.#desk.write([formatRegistryReply(line, reply)]);
        return;
      }
      default:
        await this.#asBearer(line);
    }
  }

  async #list(): Promise<void> {
    this.#note('GROUP LIST REQUEST FROM USER');
    const reply = await this.#desk.execute({ op: 'groups' });
    const groups = reply.kind === 'receipt' && reply.value.op === 'groups' ? reply.value.groups : null;
    await this.#desk.writeAll(
      groups === null ? [registryFailed] : formatRegistryGroups(groups, this.#options.home),
    );
  }

  async #newUser(): Promise<void> {
    const { dependencies, context } = this.#desk;
    const bearer = await this.#desk.settle(dependencies.service.accounts.newBearer(context));
    this.#desk.write([bearer.kind === 'bearer' ? bearer.secret : registryFailed]);
  }

  /** Every line says who asks: the connection stays nobody's. */
  async #asBearer(line: Extract<RegistryLine, { readonly uid: string }>): Promise<void> {
    const { context, dependencies } = this.#desk;
    const login = await this.#desk.settle(dependencies.service.accounts.loginBearer(context, line.uid));
    if (login.kind !== 'receipt') {
      this.#desk.write([registryFailed]);
      return;
    }
    this.#log(line);
    if (line.kind === 'messages') await this.#messages(line);
    else this.#desk.write([formatRegistryReply(line, await this.#ask(line))]);
    context.identity = null;
  }

  #ask(line: Extract<RegistryLine, { readonly kind: 'join' | 'leave' | 'send' }>): Promise<Reply> {
    if (line.kind === 'send') return this.#desk.execute({ op: 'send', to: line.to, text: line.text });
    return this.#desk.execute({ op: `${line.kind}-group`, group: line.group });
  }

  async #messages(line: Extract<RegistryLine, { kind: 'messages' }>): Promise<void> {
    const since = line.sinceMs === null ? {} : { since: line.sinceMs };
    await this.#desk.writeHistory(
      { op: 'history', with: line.with, limit: limits.historyMessages, ...since },
      formatRegistryMessage,
      () => [registryFailed],
    );
  }

  /** In the words of the reference, by public names: no secret of a line reaches the log. */
  #log(line: Extract<RegistryLine, { readonly uid: string }>): void {
    const name = this.#desk.context.identity?.name ?? '';
    const texts = {
      join: `JOIN REQUEST FROM ${name}`,
      leave: `LEAVE REQUEST FROM ${name}`,
      messages: `MESSAGE REQUEST FROM ${name}`,
      send: `MESSAGE SEND FROM ${name}`,
    };
    this.#note(texts[line.kind]);
  }

  #note(text: string): void {
    const { dependencies, output } = this.#desk;
    dependencies.logger.info({ address: output.address }, text);
  }
}
