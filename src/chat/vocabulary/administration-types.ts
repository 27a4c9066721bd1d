/** What is proposed and answered about who looks after the cluster, and what they did: part of the vocabulary in `types.ts`. */
import type { AccountId } from './ids.ts';

/** `operator`: whoever has the cluster key. `page`: the cluster view of a demonstration, which asks nobody who they are. */
export type ActionActor =
  | { readonly kind: 'account'; readonly account: AccountId; readonly name: string }
  | { readonly kind: 'operator' }
  | { readonly kind: 'page' };

export type AdministrationCommand =
  /** A node's own command, on behalf of an operator or an administrator. The same again changes nothing. */
  | { readonly kind: 'set-role'; readonly account: AccountId; readonly administrator: boolean }
  /** A node's own command: something is about to be done. */
  | {
      readonly kind: 'note-action';
      readonly by: ActionActor;
      readonly action: string;
      /** What it is done to; nothing secret. */
      readonly subject: string;
      /** Where it was asked for. */
      readonly node: number;
      /** One of many that belong together: counted by the newest action, if that is the same. */
      readonly joins: boolean;
    }
  /** A node's own command: what became of it. `done`, or the code of the error table. */
  | { readonly kind: 'note-outcome'; readonly action: number; readonly outcome: string };

export type AdministrationReceipt = {
  readonly kind: 'action-noted';
  /** Number of the action: log index of the entry that noted it first. */
  readonly action: number;
};

/** One line of the log of administrative actions. */
export interface ActionRecord {
  readonly number: number;
  readonly by: ActionActor;
  readonly action: string;
  readonly subject: string;
  readonly node: number;
  readonly beganMs: number;
  /** Null while nobody has heard of an end: it may have happened. */
  readonly endedMs: number | null;
  readonly outcome: string | null;
  /** How many were counted as this one; the outcome is that of the last. */
  readonly times: number;
}
