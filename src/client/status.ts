/** What happens underneath a client, told as it happens. Nobody has to listen; nothing here ends a request. */
export type Status =
  | { readonly kind: 'connecting'; readonly host: string; readonly port: number }
  /** `planned`: a move without a failure before it, to the leader or away from a node that stops. */
  | {
      readonly kind: 'connected';
      readonly node: number;
      readonly leader: number | null;
      readonly planned: boolean;
    }
  /** The session went on where it was: logged in, nothing lost. Follows `connected`. */
  | { readonly kind: 'resumed'; readonly node: number; readonly user: string }
  | { readonly kind: 'leader'; readonly leader: number }
  /** The connected node knows no leader. */
  | { readonly kind: 'electing' }
  /** The connection in use broke or fell silent. */
  | { readonly kind: 'down'; readonly node: number; readonly reason: string }
  /** Every known node was tried since the last connection, and none answered. Told once until the next connection. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** The session is gone, and with it the login; its unanswered changes ended as unknown. */
  | { readonly kind: 'session-lost'; readonly reason: 'expired' | 'ended' }
  /** The access token opens no session: nobody is logged in, and it is not shown again. */
  | { readonly kind: 'token-refused'; readonly text: string }
  | { readonly kind: 'closed' };

export type StatusListener = (status: Status) => void;
