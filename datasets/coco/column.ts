/** The typed arrays that a {@link Column} can be made of. */
export type NumericArray =
  Float64Array | Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

/** A typed array that grows: the length of a file's arrays is known only at its end. */
export class Column<T extends NumericArray> {
  private data: T;
  private used = 0;

  /** @param create makes an array of the given length, e.g. `(n) => new Float64Array(n)` */
  constructor(private readonly create: (length: number) => T) {
    this.data = create(1024);
  }

  get length(): number {
    return this.used;
  }

  push(value: number): void {
    if (this.used === this.data.length) {
      const larger = this.create(2 * this.data.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.used++] = value;
  }

  /** The `index`-th value. */
  at(index: number): number {
    return this.data[index];
  }

  /** A copy of what was pushed, with nothing to spare. */
  finish(): T {
    return this.data.slice(0, this.used) as T;
  }
}
