/** What is proposed and answered about webhooks: part of the vocabulary in `types.ts`. No secret is: those follow from the cluster key. */
import type { AccountId, ConversationId } from './ids.ts';

/** Log index of its creation. */
export type HookId = number;

/** A door between one conversation and another program. It goes with whoever made it leaving the conversation, and with the conversation. */
export interface HookView {
  readonly id: HookId;
  /** `in`: what is posted to it becomes a message. `out`: messages are posted to its address. */
  readonly direction: 'in' | 'out';
  readonly account: AccountId;
  readonly conversation: ConversationId;
  /** Unique in its conversation; what comes in stands under it. */
  readonly name: string;
  /** Of an outgoing one; else null. */
  readonly url: string | null;
  readonly createdMs: number;
  /** Of an outgoing one: sequence of the last message that was taken there, or was there when it was made. */
  readonly cursor: number;
  /** Attempts at the message behind the cursor that failed, to some time ago. */
  readonly failures: number;
  /** What the newest attempt ended with, in a few words; empty: well, or none was made. */
  readonly fault: string;
  /** Nothing is sent until its owner resumes it. */
  readonly suspended: boolean;
}

export type HookCommand =
  | {
      readonly kind: 'create-hook';
      /** An address as of a message. */
      readonly to: string;
      readonly name: string;
      /** Null: an incoming one. */
      readonly url: string | null;
    }
  | { readonly kind: 'remove-hook'; readonly hook: HookId }
  | { readonly kind: 'resume-hook'; readonly hook: HookId }
  /** In the name of whoever made the hook, whom the gateway names as the actor. */
  | { readonly kind: 'post-to-hook'; readonly hook: HookId; readonly text: string }
  /** A node's own command: how far those that it serves got. */
  | { readonly kind: 'note-hooks'; readonly hooks: readonly HookProgress[] };

export type HookProgress = Pick<HookView, 'cursor' | 'failures' | 'fault' | 'suspended'> & {
  readonly hook: HookId;
};

export type HookReceipt =
  | { readonly kind: 'hook-created'; readonly hook: HookId }
  | { readonly kind: 'hook-removed'; readonly hook: HookId }
  | { readonly kind: 'hook-resumed'; readonly hook: HookId };
