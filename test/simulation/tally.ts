/** How often what happened, by name. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  merge(counts: Iterable<readonly [name: string, count: number]>): void {
    for (const [name, count] of counts) this.add(name, count);
  }
}
