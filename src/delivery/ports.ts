/** What delivery asks of its neighbours. Structural: the engine's bus and the store fit without an import from here. */
import type { ErrorCode } from '../base/errors.ts';
import type { CursorAdvance, Message } from '../chat/vocabulary/types.ts';
import type { ChatView } from '../chat/vocabulary/view.ts';
import type { AmendedEntry } from '../protocol/amendments.ts';
import type { MessageEntry } from '../protocol/requests.ts';
import type { StateStore } from '../store/state-store.ts';

/** One message on its way to readers. Made once for all of them. */
export interface Push {
  readonly kind: 'message';
  /** Its body as it is now. */
  readonly message: Message;
  /** As people see them: of a group with its `#`; the name of an account that is gone is `deleted account`. */
  readonly fromName: string;
  readonly toName: string;
  /** What has become of the message since it was sent; empty for most. */
  readonly state: Pick<MessageEntry, 'editedMs' | 'deleted' | 'reactions' | 'revision'>;
  /** Each codec's form of this push, by dialect: kept by the first sink that needs it, shared by all others. */
  readonly forms: Partial<Record<string, string>>;
}

/** What has become of a message, on its way to readers. */
export interface AmendmentPush {
  readonly kind: 'amendment';
  readonly entry: AmendedEntry;
  readonly forms: Partial<Record<string, string>>;
}

/** One connection as an outbox sees it. No method may throw. */
export interface Sink {
  /** Its transport holds more than a reader may leave unread, of whatever kind. */
  readonly lags: boolean;
  /**
   * Hands over one message. Returns the bytes that it occupies until the sink reports them to `Outbox.taken`; 0 when this
   * reader is not shown the message.
   */
  push(push: Push): number;
  /** The same for an amendment; absent: this reader is told none. */
  amended?(push: AmendmentPush): number;
  /** Everything up to this log index has been pushed. */
  caughtUp(index: number): void;
  /** The outbox gives up; it pushes nothing more. The sink closes its connection and logs the cause, if there is one. */
  cut(code: ErrorCode, cause?: unknown): void;
}

export type HistoryStore = Pick<StateStore, 'readStream'>;

export type DeliveryView = Pick<
  ChatView,
  | 'accountById'
  | 'amended'
  | 'amendmentsOf'
  | 'clusterMs'
  | 'conversation'
  | 'conversationsOf'
  | 'retentionOf'
  | 'session'
  | 'token'
>;

/** Small unreplicated datagrams between nodes; may be lost. */
export interface Bus {
  broadcast(payload: Uint8Array): void;
  sendTo(node: number, payload: Uint8Array): void;
  onMessage(listener: (node: number, payload: Uint8Array) => void): () => void;
  onPeer(listener: (node: number, up: boolean) => void): () => void;
  peers(): readonly number[];
}

/** Proposes a batch; resolves true once it is applied, false when that is refused or unknown. Never rejects. */
export type ProposeCursors = (cursors: readonly CursorAdvance[]) => Promise<boolean>;
