/** Disjoint groups of items, of which no group has two of one kind. */
export class Groups {
  private readonly groupOf: number[];
  private readonly members: number[][];
  private readonly kinds: Set<number>[];

  /** @param kindOf kind of each item, which is a group of its own at first */
  constructor(kindOf: readonly number[]) {
    this.groupOf = kindOf.map((_, i) => i);
    this.members = kindOf.map((_, i) => [i]);
    this.kinds = kindOf.map((kind) => new Set([kind]));
  }

  /** Joins the groups of two items, unless both have an item of one kind. */
  join(a: number, b: number): void {
    let [into, from] = [this.groupOf[a], this.groupOf[b]];
    if (into === from) return;
    if (this.members[into].length < this.members[from].length) [into, from] = [from, into];
    for (const kind of this.kinds[from]) if (this.kinds[into].has(kind)) return;
    for (const kind of this.kinds[from]) this.kinds[into].add(kind);
    for (const item of this.members[from]) {
      this.groupOf[item] = into;
      this.members[into].push(item);
    }
    this.members[from] = [];
    this.kinds[from].clear();
  }

  /** Items of each group in ascending order; groups by their first item. */
  lists(): readonly (readonly number[])[] {
    return this.members
      .filter(({ length }) => length > 0)
      .map((items) => [...items].sort((a, b) => a - b))
      .sort((a, b) => a[0] - b[0]);
  }
}
