/** What accounts, conversations and sessions are called, in the log, in rows and between nodes. */

/** Log index of the registration: unique for ever, so that a name registered again is another account. */
export type AccountId = number;

/** `d:<smaller id>:<larger id>`, `g:<log index of its creation>`, or `lobby`. Also the name of its stream in the store. */
export type ConversationId = string;

/** Made by the client itself, before it logs in: 32 hex digits, not secret. */
export type SessionId = string;

/** What was attacked: `a:<account>`, `n:<fingerprint>` of a name that nobody has, `g:<group>:<account>`. */
export type AttemptKey = string;
