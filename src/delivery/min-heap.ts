/** A binary heap: `pop` gives an item of the smallest key. A key must not change while its item is inside. */
export class MinHeap<Item> {
  readonly #items: { readonly key: number; readonly item: Item }[] = [];
  readonly #keyOf: (item: Item) => number;

  constructor(keyOf: (item: Item) => number) {
    this.#keyOf = keyOf;
  }

  push(item: Item): void {
    const entry = { key: this.#keyOf(item), item };
    let at = this.#items.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#items[parent];
      if (above === undefined || above.key <= entry.key) break;
      this.#items[at] = above;
      at = parent;
    }
    this.#items[at] = entry;
  }

  pop(): Item | undefined {
    const top = this.#items[0];
    const last = this.#items.pop();
    if (top === undefined || last === undefined || last === top) return top?.item;
    this.#sink(last);
    return top.item;
  }

  #sink(entry: { readonly key: number; readonly item: Item }): void {
    const items = this.#items;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [items[child], items[child + 1]];
      if (left === undefined) break;
      const smaller = right !== undefined && right.key < left.key ? right : left;
      if (smaller === right) child += 1;
      if (entry.key <= smaller.key) break;
      items[at] = smaller;
      at = child;
    }
    items[at] = entry;
  }
}
