/**
 * The one table of errors. Every dialect, the HTTP endpoints, the client library and the documentation draw on it:
 * a code is stable, a text is for people, `retry` says whether the same request may succeed later.
 */
export const errorTable = {
  BAD_REQUEST: { text: 'The request is malformed.', http: 400, retry: false },
  BAD_ENCODING: { text: 'The line is not valid UTF-8 or holds a NUL.', http: 400, retry: false },
  LINE_TOO_LONG: { text: 'The line is longer than 8192 bytes.', http: 413, retry: false },
  FRAME_TOO_LARGE: { text: 'The frame is larger than 65536 bytes.', http: 413, retry: false },
  TOO_LONG: { text: 'The field is too long.', http: 400, retry: false },
  BAD_NAME: { text: 'Username must be alphanumeric and 2-20 characters!', http: 400, retry: false },
  WEAK_PASSWORD: { text: 'The password is too weak.', http: 400, retry: false },
  NAME_CONFUSABLE: { text: 'This name looks like one that is taken.', http: 409, retry: false },
  BAD_EMAIL: { text: 'This is no e-mail address.', http: 400, retry: false },
  EMAIL_TAKEN: { text: 'This e-mail address belongs to another account.', http: 409, retry: false },
  BAD_DISPLAY_NAME: {
    text: 'A display name is one line of 1 to 64 characters without control characters.',
    http: 400,
    retry: false,
  },
  INVITATION_INVALID: { text: 'This invitation is unknown, used up or expired.', http: 403, retry: false },
  LIMIT_REACHED: { text: 'The cluster holds no more of these.', http: 429, retry: true },
  RATE_LIMITED: { text: 'Too many attempts, try again later.', http: 429, retry: true },
  NAME_TAKEN: { text: 'This name is taken.', http: 409, retry: false },
  BAD_CREDENTIALS: { text: 'Incorrect username or password.', http: 401, retry: false },
  AUTH_REQUIRED: { text: 'Please log in first!', http: 401, retry: false },
  ALREADY_LOGGED_IN: { text: 'Already logged in.', http: 409, retry: false },
  LOGGED_IN_ELSEWHERE: { text: 'This user is already logged in elsewhere.', http: 409, retry: false },
  DENIED: { text: 'Not allowed.', http: 403, retry: false },
  SCOPE_MISSING: { text: 'The token does not allow this.', http: 403, retry: false },
  UNKNOWN_USER: { text: 'There is no such user.', http: 404, retry: false },
  UNKNOWN_FILE: { text: 'There is no such file.', http: 404, retry: false },
  TOKEN_INVALID: { text: 'This token is unknown, revoked or expired.', http: 401, retry: false },
  UNKNOWN_TOKEN: { text: 'There is no such token.', http: 404, retry: false },
  UNKNOWN_HOOK: { text: 'There is no such webhook.', http: 404, retry: false },
  UNKNOWN_UPLOAD: { text: 'There is no such upload, or its time is over.', http: 404, retry: false },
  UPLOAD_INCOMPLETE: { text: 'Parts of the file have not been uploaded.', http: 409, retry: false },
  TOO_LARGE: { text: 'The file is too large.', http: 413, retry: false },
  QUOTA_EXCEEDED: { text: 'There is no room left for this file.', http: 507, retry: false },
  UNKNOWN_GROUP: { text: 'There is no such group.', http: 404, retry: false },
  BAD_GROUP_NAME: {
    text: 'A group name has 1 to 32 letters, digits, - or _.',
    http: 400,
    retry: false,
  },
  GROUP_TAKEN: { text: 'This group already exists.', http: 409, retry: false },
  GROUP_PASSWORD_WRONG: { text: 'Group password wrong.', http: 403, retry: false },
  ALREADY_MEMBER: { text: 'Already a member of this group.', http: 409, retry: false },
  NOT_A_MEMBER: { text: 'Not a member of this group.', http: 403, retry: false },
  GROUP_FULL: { text: 'The group has as many members as it can.', http: 409, retry: false },
  TOO_MANY_GROUPS: { text: 'There are too many groups.', http: 409, retry: false },
  TOO_MANY_PENDING: { text: 'Too many messages wait for their receipts.', http: 429, retry: true },
  TOO_MANY_REACTIONS: { text: 'The message has as many reactions as it can.', http: 409, retry: false },
  UNKNOWN_MESSAGE: { text: 'There is no such message.', http: 404, retry: false },
  CONFLICT: { text: 'This request number was used for a different request.', http: 409, retry: false },
  STALE_SEQUENCE: {
    text: 'This request number was already acknowledged and forgotten.',
    http: 409,
    retry: false,
  },
  SESSION_EXPIRED: {
    text: 'The session has expired; the outcome of the request is unknown.',
    http: 401,
    retry: false,
  },
  TOO_MANY_IN_FLIGHT: { text: 'Too many unanswered requests in this session.', http: 429, retry: true },
  TOO_MANY_CONNECTIONS: { text: 'Too many connections.', http: 503, retry: true },
  SLOW_READER: { text: 'Too much unread output; resume from your cursor.', http: 503, retry: true },
  IDLE: { text: 'Nothing complete was received in time.', http: 408, retry: true },
  BUSY: { text: 'The service is busy, try again.', http: 503, retry: true },
  LOW_SPACE: {
    text: 'Nothing can be written: too little disk space is left on the servers.',
    http: 507,
    retry: true,
  },
  UNAVAILABLE: { text: 'Service unavailable: no leader, try again.', http: 503, retry: true },
  UNKNOWN_OUTCOME: {
    text: 'The outcome is unknown; ask again before you repeat it.',
    http: 504,
    retry: true,
  },
  // Changes of members and of the leader.
  MEMBERS_CHANGING: { text: 'Another change of members is under way.', http: 409, retry: true },
  QUORUM_AT_RISK: {
    text: 'The change would leave too few voters that can be reached.',
    http: 409,
    retry: true,
  },
  UNKNOWN_NODE: { text: 'There is no such node.', http: 404, retry: false },
  NODE_IN_USE: { text: 'This node is a member already.', http: 409, retry: false },
  NODE_AWAY: { text: 'The node is not connected.', http: 409, retry: true },
  NOT_CAUGHT_UP: { text: 'The node has not caught up yet.', http: 409, retry: true },
  NOT_A_VOTER: { text: 'The node is no voter.', http: 409, retry: false },
  LAST_VOTER: { text: 'The last voter cannot be removed.', http: 409, retry: false },
  TOO_MANY_MEMBERS: { text: 'The cluster has as many members as it may have.', http: 409, retry: false },
  NOT_IMPLEMENTED: { text: 'Not implemented in this version.', http: 501, retry: false },
  INTERNAL: { text: 'Internal error.', http: 500, retry: false },
  // Errors of starting a program: one clear line, exit code not 0, nothing damaged.
  USAGE: { text: 'The command line is wrong.', http: 500, retry: false },
  CONFIG_INVALID: { text: 'The configuration is invalid.', http: 500, retry: false },
  PROFILE_UNSUPPORTED: { text: 'This profile cannot be used.', http: 500, retry: false },
  KEY_MISSING: { text: 'The cluster key is missing.', http: 500, retry: false },
  KEY_WRONG: { text: 'The cluster key is wrong.', http: 500, retry: false },
  TLS_INVALID: { text: 'A TLS key or certificate cannot be used.', http: 500, retry: false },
  PORT_IN_USE: { text: 'A port is in use.', http: 500, retry: false },
  DATA_FOREIGN: { text: 'The data directory belongs to another cluster or node.', http: 500, retry: false },
  DATA_LOCKED: { text: 'Another process uses the data directory.', http: 500, retry: false },
  DATA_NEWER: {
    text: 'The data directory was written by a newer version of the program.',
    http: 500,
    retry: false,
  },
  DATA_DAMAGED: { text: 'The data directory is damaged.', http: 500, retry: false },
  BACKUP_INVALID: { text: 'The backup cannot be used.', http: 500, retry: false },
  MEMBER_REMOVED: { text: 'This node was removed from the cluster.', http: 500, retry: false },
  STATE_DIVERGED: {
    text: 'This node keeps computing another state than the majority: run the same version on all nodes, and test its memory.',
    http: 500,
    retry: false,
  },
  DISK_FAILED: { text: 'A write or fsync of the log failed.', http: 500, retry: false },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** An error with a code of the table. `message` is the table's text unless a better one is given; never a secret. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, text: string = errorTable[code].text, options?: ErrorOptions) {
    super(text, options);
    this.name = 'CodedError';
    this.code = code;
  }
}
