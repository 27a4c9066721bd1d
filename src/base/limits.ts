/** Every bound that more than one folder shares. Units are in the names; bytes unless said otherwise. */
export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

export const limits = {
  /** UTF-8. What file systems take. */
  fileNameBytes: 255,
  fileTypeChars: 127,
  /** Parts of files that one node takes in at once, and of one account among them. */
  filePartsInFlight: 16,
  filePartsPerAccount: 4,
  /** Files that one node sends out at once, and to one account among them. */
  downloadsInFlight: 64,
  downloadsPerAccount: 4,
  /** A line of a line dialect, terminator excluded. */
  lineBytes: 8 * KIB,
  /** One WebSocket frame of the native protocol. */
  frameBytes: 64 * KIB,
  passwordBytes: 1024,
  /** A hash in PHC form; one of argon2id has about a hundred. */
  passwordHashChars: 512,
  nameMinChars: 2,
  nameMaxChars: 20,
  displayNameChars: 64,
  emailChars: 254,
  searchPatternChars: 64,
  /** What somebody types to find messages; how many one answer gives. */
  findTextChars: 256,
  findMessages: 100,
  findDefaultMessages: 20,
  groupNameMaxChars: 32,
  groups: 10_000,
  /** Groups that have a port of their own: each is open on every node. */
  groupPorts: 64,
  groupMembers: 20_000,
  /** Groups that one account may be in. */
  groupsPerAccount: 500,
  /** Joins, departures and the like are told to members in groups up to this size. */
  noticeMembers: 1_000,
  /** In groups up to this size it is told how far all members got. */
  progressMembers: 100,
  /** Messages acknowledged out of turn that are remembered, of one member in one conversation. */
  singlesPerMember: 256,
  /** Delivery receipts that one sender may wait for or leave unconfirmed. */
  receiptsPerAccount: 10_000,
  /** One chat message's text, UTF-8. A pipe line cannot carry more, and a frame of events must hold several. */
  messageBytes: 8 * KIB,
  /** One reaction, UTF-8: an emoji or a short word. */
  reactionBytes: 32,
  /** Different ones to a message; and all together, whoever gave them: a message with their names must fit a frame. */
  reactionsPerMessage: 20,
  reactersPerMessage: 150,
  /** The longest age of messages. */
  keepDays: 36_500,
  historyMessages: 10_000,
  historyDefaultMessages: 100,
  /** Unanswered numbered requests of one session. */
  inFlightPerSession: 1_024,
  /** Sessions kept in the replicated state; the least recently used goes first. */
  sessions: 100_000,
  /** Live sessions of one account; the least recently used goes first. Beside them, those derived from one of them. */
  sessionsPerAccount: 256,
  derivedSessions: 32,
  /** Beside both: those that one access token opened. */
  sessionsPerToken: 64,
  /** Answers to requests that carried a key are kept for so long, and so many; of one account. */
  keyedAnswerMs: 10 * 60_000,
  keyedAnswers: 100_000,
  keyedAnswersPerAccount: 4_096,
  sessionIdleMs: 30 * 24 * 3_600_000,
  /** From its login on, however much it is used. */
  sessionAbsoluteMs: 90 * 24 * 3_600_000,
  /** A session that never logged in. */
  anonymousSessionIdleMs: 10 * 60_000,
  /** A guest whose node says nothing for so long is gone. Renewed at a third of it. */
  guestLeaseMs: 60_000,
  guests: 10_000,
  /** Pushes queued for one connection that does not drain. */
  outboxBytes: 96 * KIB,
  connectionsPerNode: 10_000,
  /** Of the HTTP port, beside WebSockets. */
  httpConnections: 4_096,
  /** One operation's time until it is refused or unknown. */
  operationMs: 5_000,
  /** Proposals of one node that wait for an answer. */
  proposalsInFlight: 16_384,
  proposalsInFlightBytes: 64 * MIB,
  /** Nodes that may be members: as many as a configuration file may list. */
  members: 9,
  /** How far the time of an operator's seal may be from the node's; and seals remembered as used. */
  operatorSealMs: 30_000,
  operatorSeals: 10_000,
  /** One command in the log. */
  commandBytes: 1 * MIB,
  /** Failures within a minute after which an account, or a group, is blocked for a while. */
  failuresPerWindow: 5,
  failureWindowMs: 60_000,
  /** Of the first block; doubled by each one that follows. */
  backOffMs: 30_000,
  backOffMaxMs: 3_600_000,
  /** Failures without a success after which only an administrator helps. */
  failuresInARow: 100,
  /** Counts of failures kept, of accounts and groups as of names that nobody has; the oldest goes first. */
  attemptsKept: 10_000,
  attemptKeyChars: 64,
  invitations: 10_000,
  /** Accounts that were gone before an import. */
  tombstones: 1_000_000,
  invitationUses: 10_000,
  /** The longest life of one. */
  invitationMs: 365 * 24 * 3_600_000,
  /** Access tokens, in all and of one account; the longest life that one may be given. */
  tokens: 50_000,
  tokensPerAccount: 50,
  tokenMs: 10 * 365 * 24 * 3_600_000,
  /** Webhooks, in all and of one conversation. */
  hooks: 5_000,
  hooksPerConversation: 16,
  hookUrlChars: 2_048,
  hookFaultChars: 100,
  /** How exactly it is kept when a token was used last. */
  tokenUseGrainMs: 3_600_000,
  /** Accounts with the role of an administrator. */
  administrators: 1_000,
  /** Lines of the log of administrative actions; the oldest goes first. */
  actionsKept: 1_000,
  actionChars: 64,
  actionSubjectChars: 256,
  /** Streams of events over HTTP, of one node and of one account there. */
  eventStreams: 2_000,
  eventStreamsPerAccount: 16,
  hashConcurrency: 2,
  hashQueue: 256,
} as const;
