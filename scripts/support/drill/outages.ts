/** When one writer got its acknowledgements, ascending, milliseconds of one clock. */
export type AcknowledgementTimes = readonly number[];

/**
 * The longest time between two acknowledgements of one writer that overlaps [fromMs, toMs]. The last interval has no end yet when the
 * writer got nothing after `fromMs`: it counts up to `toMs`.
 */
export function longestGapMs(times: AcknowledgementTimes, fromMs: number, toMs: number): number {
  let longest = 0;
  let before: number | null = null;
  for (const at of times) {
    if (before !== null && before <= toMs && at >= fromMs) longest = Math.max(longest, at - before);
    before = at;
  }
  if (before !== null && before < toMs) longest = Math.max(longest, toMs - before);
  return longest;
}

/** The worst writer's longest gap: the outage, as the people at the other end of the line have it. */
export function worstGapMs(writers: Iterable<AcknowledgementTimes>, fromMs: number, toMs: number): number {
  let worst = 0;
  for (const times of writers) worst = Math.max(worst, longestGapMs(times, fromMs, toMs));
  return worst;
}

/** The value below which `share` (0 to 1) of the values lie, by nearest rank; 0 for none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
