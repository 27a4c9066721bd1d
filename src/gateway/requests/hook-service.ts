/** Requests about webhooks: what may be decided before `apply` is, and what their owners see. */
import { groupMark } from '../../base/addresses.ts';
import type { HookView } from '../../chat/vocabulary/hook-types.ts';
import type { AccountId, Numbering } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import {
  type ChangeRequest,
  deletedAccountName,
  type HookEntry,
  type Reply,
} from '../../protocol/requests.ts';
import { ConnectionContext } from '../connections/context.ts';
import type { HookSecrets } from '../secrets/hook-secrets.ts';
import { addressFault } from './address-fault.ts';
import type { Propose } from './authentication.ts';
import { type HookAddressRules, urlFault } from './hook-address.ts';
import { rejection } from './replies.ts';

export interface HookServiceOptions {
  readonly view: ChatView;
  readonly propose: Propose;
  /** Null: without the cluster key there are none. */
  readonly hooks: { readonly secrets: HookSecrets; readonly rules: HookAddressRules } | null;
}

type HookRequest = Extract<ChangeRequest, { op: 'create-hook' | 'remove-hook' | 'resume-hook' }>;

export class HookService {
  readonly #options: HookServiceOptions;

  constructor(options: HookServiceOptions) {
    this.#options = options;
  }

  change(context: ConnectionContext, request: HookRequest, numbering: Numbering | null): Promise<Reply> {
    switch (request.op) {
      case 'create-hook':
        return this.#create(context, request, numbering);
      case 'remove-hook':
      case 'resume-hook':
        return this.#options.propose(context, { kind: request.op, hook: request.id }, numbering);
    }
  }

  /** As a message in the conversation. Whoever asks has shown the hook's secret. `key`: as of a request over HTTP. */
  async post(hook: HookView, text: string, key: string | null, address: string): Promise<Reply> {
    const name = this.#options.view.accountById(hook.account)?.name ?? deletedAccountName;
    const context = new ConnectionContext(null, address, { key });
    context.identity = { account: hook.account, name, hook: hook.id };
    return this.#options.propose(context, { kind: 'post-to-hook', hook: hook.id, text }, null);
  }

  /** One's own, and those in groups that one owns; by age. */
  list(account: AccountId): readonly HookEntry[] {
    const { view } = this.#options;
    const own = [...view.hooks()].filter((hook) => {
      const group = view.conversation(hook.conversation);
      return hook.account === account || (group?.kind === 'group' && group.owner === account);
    });
    return own.sort((a, b) => a.id - b.id).map((hook) => this.#entry(hook));
  }

  async #create(
    context: ConnectionContext,
    { to, name, ...rest }: Extract<HookRequest, { op: 'create-hook' }>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { hooks, propose } = this.#options;
    if (hooks === null) return rejection('NOT_IMPLEMENTED', 'This node has no cluster key.');
    const url = rest.url ?? null;
    const fault = addressFault(to);
    if (fault !== null) return rejection(fault);
    const wrong = url === null ? null : urlFault(url, hooks.rules);
    if (wrong !== null) return rejection('BAD_REQUEST', wrong);
    const reply = await propose(context, { kind: 'create-hook', to, name, url }, numbering);
    if (reply.kind !== 'receipt' || reply.value.op !== 'create-hook') return reply;
    const { id } = reply.value;
    return { kind: 'receipt', value: { op: 'create-hook', id, secret: hooks.secrets.secretOf(id) } };
  }

  #entry(hook: HookView): HookEntry {
    const { id, direction, name, url, createdMs, failures, fault, suspended, cursor } = hook;
    const { view } = this.#options;
    const last = view.conversation(hook.conversation)?.lastSequence ?? cursor;
    return {
      id,
      direction,
      name,
      to: this.#addressOf(hook),
      by: view.accountById(hook.account)?.name ?? deletedAccountName,
      url,
      createdMs,
      pending: direction === 'in' ? 0 : last - cursor,
      failures,
      fault,
      suspended,
    };
  }

  #addressOf({ conversation: id, account }: HookView): string {
    const { view } = this.#options;
    const group = view.conversation(id);
    if (group?.kind === 'group') return groupMark + group.name;
    const [, ...sides] = id.split(':').map(Number);
    const other = sides.find((side) => side !== account) ?? account;
    return view.accountById(other)?.name ?? deletedAccountName;
  }
}
