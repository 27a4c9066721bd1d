/** What the connector asks of the client, and tells it. */
import type { NativeFrame, Welcome } from '../protocol/native.ts';
import type { Status } from './status.ts';

export interface ConnectorHost {
  /** The encoded hello of the session. */
  hello(): string;
  /** How many logins were answered so far: what a node says of a session from before the last of them is outdated. */
  logins(): number;
  /** A connection took over; all that is unanswered may be sent on it. */
  welcomed(welcome: Welcome): void;
  /** The connection in use is gone: what was sent on it must be sent again. */
  disconnected(): void;
  received(frame: NativeFrame): void;
  sessionEnded(): void;
  status(status: Status): void;
  /** Since when the oldest sent request waits; null when none does. */
  waitingSinceMs(): number | null;
  /** Whether any request is unanswered. */
  isBusy(): boolean;
  /** Call `work` at this time or before. */
  wake(atMs: number): void;
}
