/** Where and when an entry stands. All three never fall along the log; whole numbers. */
export interface Moment {
  readonly index: number;
  /** Elapsed cluster time: for every expiry. */
  readonly clusterMs: number;
  /** The leader's wall clock: for display. */
  readonly wallMs: number;
}
