/**
 * Where a long list is scrolled to, and which of its rows are drawn. Knows the heights of rows and the box they scroll in; the place is
 * held by a row (the anchor), not by a number of pixels, so that nothing jumps when rows before it come, go or turn out higher.
 */
import { RowHeights } from './row-heights.ts';

export interface Box {
  readonly scrollTop: number;
  readonly height: number;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

interface Anchor {
  readonly key: string;
  /** Of its upper edge below the box's. */
  readonly below: number;
}

/** Pixels beyond the box that are drawn too. */
const overscan = 600;
/** So near to the end counts as at it. */
const nearEnd = 32;

export class FeedFrame {
  readonly heights: RowHeights;
  /** Null: held at the end. */
  #anchor: Anchor | null = null;

  constructor(estimate: (key: string) => number) {
    this.heights = new RowHeights(estimate);
  }

  /** Whether the end is in view of a box of that height. */
  isAtEnd(height: number): boolean {
    return this.#anchor === null || this.scrollTop(height) > this.heights.total - height - nearEnd;
  }

  holdEnd(): void {
    this.#anchor = null;
  }

  /** `below`: how far under the box's upper edge that row is to be. */
  hold(key: string, below: number): void {
    this.#anchor = { key, below };
  }

  /** The person scrolled there. `isAnchor`: rows that stay what they are when others come. */
  scrolled({ scrollTop, height }: Box, isAnchor: (key: string) => boolean, hasMore: boolean): void {
    const { heights } = this;
    if (!hasMore && heights.total - scrollTop - height < nearEnd) {
      this.#anchor = null;
      return;
    }
    let row = heights.rowAt(scrollTop);
    while (row < heights.count - 1 && !isAnchor(heights.keyAt(row) ?? '')) row += 1;
    const key = heights.keyAt(row);
    if (key !== null) this.#anchor = { key, below: heights.offsetOf(row) - scrollTop };
  }

  /** Where the box has to be scrolled to. */
  scrollTop(height: number): number {
    const { heights } = this;
    const last = Math.max(0, heights.total - height);
    if (this.#anchor === null) return last;
    const row = heights.indexOf(this.#anchor.key);
    // The row is gone: the end is as good as any place.
    return row < 0 ? last : Math.max(0, Math.min(last, heights.offsetOf(row) - this.#anchor.below));
  }

  range(height: number): Range {
    const { heights } = this;
    if (heights.count === 0) return { start: 0, end: 0 };
    const top = this.scrollTop(height);
    const start = heights.rowAt(Math.max(0, top - overscan));
    const end = heights.rowAt(top + height + overscan) + 1;
    return { start, end };
  }
}
