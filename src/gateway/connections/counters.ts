/** What the gateway counts. Plain numbers, so that counting costs nothing on the path of a message; `/metrics` reads them. */
export class Counters {
  proposalsApplied = 0;
  proposalsRefused = 0;
  proposalsUnknown = 0;
  rejections = 0;
  reads = 0;
  leaderChanges = 0;
  chatConnections = 0;
  nativeConnections = 0;
  connectionsRefused = 0;
  /** Attempts at a password that were refused unseen. */
  attemptsLimited = 0;
  /** TLS handshakes that did not come to an end. */
  handshakesFailed = 0;
  slowReaders = 0;
  pushes = 0;
  badLines = 0;
  badFrames = 0;
  /** Messages that other programs took, and attempts that failed. */
  hookDeliveries = 0;
  hookFailures = 0;
}
