/** Milliseconds. Of a node whose machine vanished, the place is taken 350 ms after the request that it does not answer. */
export const timings = {
  /** Until a connection is open. */
  dialMs: 400,
  /** The same with a TLS handshake in it, for which a busy machine needs its time; a node must be reached within `dialMs` all the same. */
  secureDialMs: 2_400,
  /** Until hello is answered; a node may have to find the leader first. */
  helloMs: 1_000,
  /** Silence after which the node is asked for a sign of life, with and without a request under way. */
  busySilenceMs: 150,
  idleSilenceMs: 3_000,
  /** Until the sign of life must come. */
  busyPongMs: 200,
  idlePongMs: 1_000,
  /** A silent node is kept for so long beside the search for another one: it may only be slow, and then nothing is repeated. */
  silentMs: 5_000,
  /** A check that runs later than this was held up on this side: the node gets its time again. */
  lateMs: 50,
  /** A node that knows no leader for so long is left for one that may. */
  leaderlessMs: 500,
  /** Between two searches for a node that can serve: doubles, less up to a half by chance. */
  rotateMs: { first: 500, largest: 4_000 },
  /** Clients do not move to a new leader in the same instant. */
  moveMs: { least: 10, spread: 60 },
  moveRetryMs: 1_000,
  standbyMs: { least: 50, spread: 50 },
  standbyRetryMs: 1_000,
  /** A connection that lived shorter counts as a failed attempt. */
  shortLifeMs: 1_000,
  /** How long a node is not dialled that said it stops or is full. */
  avoidMs: 1_000,
} as const;
