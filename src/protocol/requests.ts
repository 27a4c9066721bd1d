/**
 * What people ask of a chat server, whatever dialect they speak: each codec turns its lines into these requests and these replies
 * into its lines. The terminal client uses the same codec on the other side of the native protocol.
 */
import type { ErrorCode } from '../base/errors.ts';
import type {
  AmendedEntry,
  AmendmentRequest,
  AmendmentSuccess,
  AmendmentsRequest,
  ReactionEntry,
} from './amendments.ts';
import type { GroupRequest, GroupSuccess } from './group-requests.ts';
import type { LiveRequest, LiveSuccess } from './live.ts';

/** Changes: numbered on the native protocol, so that a retry is recognised. */
export type ChangeRequest =
  | {
      readonly op: 'register';
      readonly user: string;
      readonly password: string;
      readonly displayName?: string;
      readonly email?: string;
      /** Code of an invitation, where registration is by invitation. */
      readonly invitation?: string;
    }
  /** `user`: the name or the e-mail address. */
  | {
      readonly op: 'login';
      readonly user: string;
      readonly password: string;
      /** An earlier session of this program, with its secret: it ends as this one begins. */
      readonly previous?: string;
      readonly previousSecret?: string;
    }
  /** As somebody without a password, for as long as a connection of the session lives. Answered as a login. */
  | { readonly op: 'enter-guest'; readonly user: string }
  /**
   * As whoever has this secret, a UUID of version 4 that its owner made by chance: a new account where there is none. Answered as a login.
   */
  | { readonly op: 'enter-bearer'; readonly secret: string; readonly invitation?: string }
  /** As the account whose access token this is, within its scopes. Answered as a login. */
  | { readonly op: 'enter-token'; readonly token: string }
  /**
   * An access token for oneself. Whoever asks makes it by chance, keeps it, and tells its SHA-256 (hex); asked again with the same one it is
   * the same.
   */
  | {
      readonly op: 'create-token';
      /** For its owner; one of each name. */
      readonly name: string;
      readonly hash: string;
      /** Separated by spaces. */
      readonly scopes: string;
      /** Absent: until it is revoked. */
      readonly lifetimeMs?: number;
    }
  | { readonly op: 'revoke-token'; readonly id: number }
  /**
   * A door between a conversation and another program: without `url` one that takes messages in. Of a group the owner's, of a direct
   * conversation either side's.
   */
  | { readonly op: 'create-hook'; readonly to: string; readonly name: string; readonly url?: string }
  | { readonly op: 'remove-hook'; readonly id: number }
  /** One that was suspended goes on where it stood. */
  | { readonly op: 'resume-hook'; readonly id: number }
  /** Ends all other sessions of the account. Without the present password it is refused. */
  | { readonly op: 'change-password'; readonly current?: string; readonly password: string }
  /** Null takes away; absent leaves as it is. */
  | {
      readonly op: 'set-profile';
      readonly displayName?: string | null;
      readonly email?: string | null;
    }
  | { readonly op: 'logout' }
  | { readonly op: 'delete'; readonly user: string }
  | {
      readonly op: 'send';
      /** An address: a user's name, `#` and a group's name, or `#lobby`. */
      readonly to: string;
      readonly text: string;
      /** Sequence of the message that this one answers. */
      readonly replyTo?: number;
      /** The sender wants to be told of the delivery, by a receipt that waits for it: direct messages only. */
      readonly receipt?: boolean;
    }
  /** A file that was uploaded (docs/protocol.md): all its chunks are held by a majority, or this is refused. */
  | {
      readonly op: 'send-file';
      /** As in `send`. */
      readonly to: string;
      readonly name: string;
      /** Media type. */
      readonly type: string;
      readonly bytes: number;
      readonly manifest: string;
      readonly replyTo?: number;
    }
  | AmendmentRequest
  | GroupRequest;

/** Reads: linearizable unless a stale answer is asked for, without a number. */
export type ReadRequest = (Staleness & CurrentRequest) | HistoryRequest | FindRequest;

export interface Staleness {
  /** From what the answering node has, at most two seconds old, without asking the others; labelled. Native protocol only. */
  readonly stale?: boolean;
}

type CurrentRequest =
  /** One's own account. */
  | { readonly op: 'profile' }
  /** One's own. */
  | { readonly op: 'tokens' }
  /** One's own, and those in groups that one owns. */
  | { readonly op: 'hooks' }
  | { readonly op: 'users' }
  | { readonly op: 'search'; readonly pattern: string }
  /** Those who are online, by the time since which they are. */
  | { readonly op: 'online' }
  | ({ readonly op: 'groups' } & NamePage)
  | ({ readonly op: 'members'; readonly group: string } & NamePage)
  /** One's own, with how far one got in each. */
  | { readonly op: 'conversations' }
  | LiveRequest
  | AmendmentsRequest;

/** Of a list by name: at most so many, behind a name. All without it. */
export interface NamePage {
  readonly limit?: number;
  readonly after?: string;
}

/**
 * Messages of a conversation, oldest first: the newest `limit` of those below `before`; or, with `after` (a sequence) or `since` (a time), the
 * first `limit` above.
 */
export interface HistoryRequest extends Staleness {
  readonly op: 'history';
  /** An address, as in `send`, or the id of a conversation: one with somebody who is gone has no address. */
  readonly with: string;
  readonly limit: number;
  readonly before?: number;
  readonly after?: number;
  /** Milliseconds since 1970-01-01 UTC: at that time or later. */
  readonly since?: number;
}

/**
 * Messages with all these words, the newest first, of everything one may read. `"a phrase"` stands as it is, `-word` must not be there, the last word
 * counts as a beginning.
 */
export interface FindRequest extends Staleness {
  readonly op: 'find';
  readonly text: string;
  /** Only there: as in `history`. */
  readonly with?: string;
  /** Only what this user wrote; then `text` may be empty. */
  readonly from?: string;
  readonly limit?: number;
  /** Only messages with a lower log index: `next` of the answer before. */
  readonly before?: number;
}

export type ClientRequest = ChangeRequest | ReadRequest;

export interface UserEntry {
  readonly name: string;
  readonly online: boolean;
}

/** An account as its owner sees it. */
export interface Profile {
  readonly user: string;
  readonly displayName: string | null;
  readonly email: string | null;
  /** For other systems; never changes. */
  readonly uuid: string;
  readonly createdMs: number;
}

/** An access token as its owner sees it: nothing that opens anything. */
export interface TokenEntry {
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdMs: number;
  /** Null: when it is revoked. */
  readonly expiresMs: number | null;
  /** To the hour; null: not yet. */
  readonly usedMs: number | null;
}

/** A webhook as its owner sees it. */
export interface HookEntry {
  readonly id: number;
  readonly direction: 'in' | 'out';
  readonly name: string;
  /** Address of its conversation, as its maker would write it. */
  readonly to: string;
  /** Who made it. */
  readonly by: string;
  /** Of an outgoing one. */
  readonly url: string | null;
  readonly createdMs: number;
  /** Messages that wait to be sent. */
  readonly pending: number;
  /** Failed attempts at the first of them, lately. */
  readonly failures: number;
  /** What the newest attempt ended with; empty: well. */
  readonly fault: string;
  readonly suspended: boolean;
}

export interface OnlineEntry {
  readonly name: string;
  readonly sinceMs: number;
}

export interface GroupEntry {
  readonly conversation: string;
  readonly name: string;
  /** How many. Null, as `owner` and `createdMs`: not for who asks (`closed`, and not `joined`; or nobody is logged in). */
  readonly members: number | null;
  /** It has a password, and only its members see more of it than that it is there. */
  readonly closed: boolean;
  /** Who asks is in it. */
  readonly joined: boolean;
  /** Null also for one that was announced from elsewhere. */
  readonly owner: string | null;
  readonly address: { readonly host: string; readonly port: number } | null;
  /** Of its own, on every node; absent when there is none. */
  readonly port?: number;
  /** Days for which its messages are kept, 0: for ever; absent: as the configuration says. */
  readonly keepDays?: number;
  readonly createdMs: number | null;
}

export interface MemberEntry extends UserEntry {
  readonly owner: boolean;
}

export interface ConversationEntry {
  readonly conversation: string;
  readonly kind: 'direct' | 'group' | 'lobby';
  /** Its address: what `send` takes as `to`. */
  readonly name: string;
  /** Older messages are gone; absent while there are none. */
  readonly firstSequence?: number;
  readonly lastSequence: number;
  readonly lastIndex: number;
  readonly delivered: number;
  readonly read: number;
  /** Messages behind the last one read or written by oneself. */
  readonly unread: number;
  /** What all others have got, and read; null where nobody else is, and in a group of more than a hundred. */
  readonly others: { readonly delivered: number; readonly read: number } | null;
}

/** A message as people see it; `from` and `to` are names (of a group with its `#`), or `deleted account`. */
export interface MessageEntry {
  readonly conversation: string;
  readonly sequence: number;
  readonly index: number;
  readonly from: string;
  readonly to: string;
  /** Counts all that its sender has sent; 0 for a message older than that count. */
  readonly number: number;
  /** Sequence of the message that this one answers. */
  readonly replyTo?: number;
  /** Of a file: one line that says so, for readers who know texts only. */
  readonly text: string;
  readonly file?: FileEntry;
  /** Name of the webhook that it came in by, in the name of `from`. */
  readonly via?: string;
  readonly sentMs: number;
  /** When its text was changed for the last time. */
  readonly editedMs?: number;
  /** Its text says no more than that. */
  readonly deleted?: true;
  readonly reactions?: readonly ReactionEntry[];
  /** Of the newest amendment; absent while it is as it was sent. */
  readonly revision?: number;
}

/** The text where a line has no other place for the webhook that it came in by. */
export function lineTextOf({ text, via }: Pick<MessageEntry, 'text' | 'via'>): string {
  return via === undefined ? text : `${via}: ${text}`;
}

/** What a message carries besides its text. */
export interface FileEntry {
  /** What it is fetched by. */
  readonly id: number;
  /** As the sender wished: to be made safe before anything is saved under it. */
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  /** SHA-256 of the list of its chunks: what is fetched can be checked against it. */
  readonly manifest: string;
}

const readOperations = {
  profile: true,
  tokens: true,
  hooks: true,
  users: true,
  search: true,
  online: true,
  groups: true,
  members: true,
  conversations: true,
  history: true,
  find: true,
  amendments: true,
  watch: true,
  typing: true,
} satisfies Record<ReadRequest['op'], true>;

/** Whoever is answered with a receipt is logged in by it. */
export function isEntrance({ op }: ClientRequest): boolean {
  return op === 'login' || op === 'enter-guest' || op === 'enter-bearer' || op === 'enter-token';
}

export function isRead(request: ClientRequest): request is ReadRequest {
  return Object.hasOwn(readOperations, request.op);
}

/** The shown name of an account that is gone. */
export const deletedAccountName = 'deleted account';

/** The shown text of a message that is gone. */
export const deletedMessageText = '(deleted)';

export type Success =
  | { readonly op: 'register'; readonly user: string }
  | { readonly op: 'login'; readonly user: string }
  | { readonly op: 'logout' }
  | { readonly op: 'delete'; readonly user: string }
  | { readonly op: 'change-password' }
  | { readonly op: 'set-profile' }
  | ({ readonly op: 'profile' } & Profile)
  | { readonly op: 'create-token'; readonly id: number; readonly expiresMs: number | null }
  | { readonly op: 'revoke-token'; readonly id: number }
  | { readonly op: 'tokens'; readonly tokens: readonly TokenEntry[] }
  /** The secret signs what goes out, and opens or signs what comes in. */
  | { readonly op: 'create-hook'; readonly id: number; readonly secret: string }
  | { readonly op: 'remove-hook'; readonly id: number }
  | { readonly op: 'resume-hook'; readonly id: number }
  | { readonly op: 'hooks'; readonly hooks: readonly HookEntry[] }
  | ({ readonly op: 'send' } & SentValue)
  | ({ readonly op: 'send-file' } & SentValue)
  | AmendmentSuccess
  | LiveSuccess
  | { readonly op: 'amendments'; readonly amendments: readonly AmendedEntry[] }
  | GroupSuccess
  | { readonly op: 'online'; readonly online: readonly OnlineEntry[] }
  | { readonly op: 'groups'; readonly groups: readonly GroupEntry[] }
  | { readonly op: 'members'; readonly members: readonly MemberEntry[] }
  | { readonly op: 'conversations'; readonly conversations: readonly ConversationEntry[] }
  | { readonly op: 'users'; readonly users: readonly UserEntry[] }
  | { readonly op: 'search'; readonly users: readonly UserEntry[] }
  | { readonly op: 'history'; readonly messages: readonly MessageEntry[] }
  | {
      readonly op: 'find';
      readonly messages: readonly MessageEntry[];
      /** False while the index of the answering node lacks some of what was said in these conversations. */
      readonly complete: boolean;
      /** `before` of the next page; null at the end. */
      readonly next: number | null;
    };

/** Where a message came to stand. */
export interface SentValue {
  readonly to: string;
  /** Whether the receiver was online anywhere in the cluster when the answer was made. */
  readonly online: boolean;
  readonly conversation: string;
  readonly sequence: number;
  readonly index: number;
  readonly number: number;
  readonly sentMs: number;
}

/** Three outcomes, never two. */
export type Reply =
  | {
      readonly kind: 'receipt';
      readonly value: Success;
      /** Of a read that asked for a stale answer. */
      readonly stale?: true;
    }
  | {
      readonly kind: 'rejection';
      readonly code: ErrorCode;
      readonly text: string;
      /** With RATE_LIMITED: when it may be tried again; absent where only an administrator helps. */
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'unknown'; readonly text: string };
