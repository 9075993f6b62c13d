/** Elements of a block. */
const BLOCK = 1 << 20;

/**
 * Items of many lengths in blocks of typed arrays, which grow without copying; larger items get a separate block. A
 * position is `block · 2³² + offset`.
 */
export class Blocks<T extends Uint32Array | Uint16Array | Uint8Array | Float64Array> {
  private readonly blocks: T[];
  private used = BLOCK + 1; // no room in the given blocks

  /** @param blocks blocks of finished lists, whose items keep their offsets */
  constructor(
    private readonly create: (length: number) => T,
    blocks: readonly T[] = [],
  ) {
    this.blocks = [...blocks];
  }

  /** All blocks in order, for a list of the same items in another thread. */
  all(): readonly T[] {
    return this.blocks;
  }

  /** @returns the block, the offset in it, and both as one position */
  allocate(length: number): readonly [T, number, number] {
    if (this.used + length > BLOCK) {
      this.blocks.push(this.create(Math.max(length, BLOCK)));
      this.used = 0;
    }
    const at = this.used;
    this.used += length;
    const block = this.blocks.length - 1;
    return [this.blocks[block], at, block * 2 ** 32 + at];
  }

  /** Returns room at the end of the item that was allocated last. */
  giveBack(length: number): void {
    this.used -= length;
  }

  /** Finds the block of a position and the offset in it. */
  find(position: number): readonly [T, number] {
    const block = Math.floor(position / 2 ** 32);
    return [this.blocks[block], position - block * 2 ** 32];
  }
}
