type ArrayType<T> = new (length: number) => T;

/** Numbers of unknown count in one float64 array that grows: one type of array makes `push` as fast as it can be. */
export class Column {
  private data = new Float64Array(64);
  private used = 0;

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    if (this.used === this.data.length) {
      const larger = new Float64Array(2 * this.data.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.used++] = value;
  }

  /** Removes all values and keeps the room. */
  clear(): void {
    this.used = 0;
  }

  /** The `index`-th value. */
  at(index: number): number {
    return this.data[index];
  }

  /** The values so far; a view that later pushes may leave behind. */
  view(): Float64Array {
    return this.data.subarray(0, this.used);
  }

  /** The values so far, as an array of another type with nothing to spare. */
  to<T extends Float32Array | Uint32Array | Int32Array | Uint8Array>(Type: ArrayType<T>): T {
    const values = new Type(this.used);
    values.set(this.view());
    return values;
  }
}
