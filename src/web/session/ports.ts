/** What a page gives to the session behind it. Tests give their own. */

import type { Clock } from '../../base/clock.ts';
import type { ErrorCode } from '../../base/errors.ts';
import type { Random } from '../../base/prng.ts';
import type { Dialer, FilePorts, Secrets } from '../../client/ports.ts';
import type { ServerAddress } from '../../client/server-pool.ts';
import type { Session } from '../../client/types.ts';

/** Texts under names. What cannot be kept (a full disk, a private window) is lost silently: nothing here is the only copy. */
export interface Keep {
  get(name: string): string | null;
  set(name: string, value: string | null): void;
  /** Names that begin so. */
  names(prefix: string): readonly string[];
}

export type Admission =
  /** With a session of this tab's own, which ends with that of the browser. */
  | { readonly kind: 'admitted'; readonly user: string; readonly session: Session }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly text: string }
  /** Nobody is logged in in this browser. */
  | { readonly kind: 'stranger' }
  /** The node that the page came from does not answer. */
  | { readonly kind: 'unreachable' };

/**
 * The browser's login, of which a page gets a session and never the secret itself: that is in a cookie which no script reads. Only the
 * node that the page came from is asked.
 */
export interface Doorkeeper {
  register(user: string, password: string, invitation: string): Promise<Admission>;
  logIn(user: string, password: string): Promise<Admission>;
  /** As whoever is logged in in this browser. */
  resume(): Promise<Admission>;
  /** With all tabs. False: it could not be done. */
  logOut(): Promise<boolean>;
}

export interface SessionPorts {
  readonly nodes: readonly ServerAddress[];
  readonly clock: Clock;
  readonly random: Random;
  readonly dialer: Dialer;
  readonly secrets: Secrets;
  readonly files?: FilePorts;
  readonly door: Doorkeeper;
  /** Of this tab, over its reloads. */
  readonly tab: Keep;
  /** Of this browser. */
  readonly browser: Keep;
  /** Whether no other tab uses the session of that name; held from then on. A tab that is duplicated takes its storage along. */
  readonly claim: (session: string) => Promise<boolean>;
  /** Something for people who look elsewhere. */
  readonly notify: (title: string, text: string, address: string) => void;
}

/** Whether somebody looks at the page. */
export interface Attention {
  readonly isVisible: boolean;
  /** The end of the open conversation is in view. */
  readonly isAtEnd: boolean;
}
