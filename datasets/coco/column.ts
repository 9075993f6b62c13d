/** The typed arrays that a {@link Column} can be finished as. */
export type NumericArray = Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array;

/**
 * A typed array that grows: the length of a file's arrays is known only at its end. It grows as float64 whatever it
 * becomes, so that `push`, the most frequent call of reading, sees one type of array (a fifth of the time of a check).
 */
export class Column<T extends NumericArray> {
  private data = new Float64Array(1024);
  private used = 0;

  /** @param create makes the final array of a given length, e.g. `(n) => new Uint8Array(n)` */
  constructor(private readonly create: (length: number) => T) {}

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

  /** The `index`-th value. */
  at(index: number): number {
    return this.data[index];
  }

  /** What was pushed, as an array with nothing to spare. */
  finish(): T {
    const values = this.create(this.used);
    values.set(this.data.subarray(0, this.used));
    return values;
  }
}
