type ArrayType<T> = new (length: number) => T;
type TypedNumbers = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;

/** Numbers of unknown count in one float64 array that grows: one type of array makes `push` as fast as it can be. */
export class Column {
  private data = new Float64Array(64);
  private used = 0;

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    if (this.used === this.data.length) {
      const larger = new Float64Array(Math.max(64, 2 * this.data.length));
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.used++] = value;
  }

  /** Frees the room that the values do not need. */
  shrink(): void {
    this.data = this.data.slice(0, this.used);
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
  to<T extends TypedNumbers>(Type: ArrayType<T>): T {
    const values = new Type(this.used);
    values.set(this.view());
    return values;
  }

  /** As {@link to}; the column is empty afterwards and its room, which is up to twice that of the values, is free. */
  take<T extends TypedNumbers>(Type: ArrayType<T>): T {
    const values = this.to(Type);
    this.data = new Float64Array(0);
    this.used = 0;
    return values;
  }
}
