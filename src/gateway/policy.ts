import type { PasswordRules } from './passwords.ts';

/** What the configuration decides about requests. */
export interface Policy {
  /** A second login of a user that is online is refused. */
  readonly singleSessions: boolean;
  /** A login tells an unknown user from a wrong password. */
  readonly revealUnknownUser: boolean;
  /** The list of users, and the search in it, before login. */
  readonly publicUserList: boolean;
  /** Whoever runs a group elsewhere may announce it, and the groups are listed, without an account. */
  readonly publicRegistry: boolean;
  readonly passwords: PasswordRules;
}
