/** A list of numbers of unknown length in one `Float64Array`. */
export class GrowingNumbers {
  private values = new Float64Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.values.length) {
      const longer = new Float64Array(2 * this.length);
      longer.set(this.values);
      this.values = longer;
    }
    this.values[this.length++] = value;
  }

  /** The numbers so far; a view that later pushes may leave behind. */
  view(): Float64Array {
    return this.values.subarray(0, this.length);
  }
}

/** Bytes of unknown number in one `Uint8Array`. */
export class GrowingBytes {
  private values = new Uint8Array(1024);
  length = 0;

  /** Makes room for `count` more bytes and returns the array to write them to, from `length` on. */
  reserve(count: number): Uint8Array {
    if (this.length + count > this.values.length) {
      const longer = new Uint8Array(Math.max(2 * this.values.length, this.length + count));
      longer.set(this.values);
      this.values = longer;
    }
    return this.values;
  }

  /** Appends ASCII text. */
  pushAscii(text: string): void {
    const to = this.reserve(text.length);
    for (let i = 0; i < text.length; i++) to[this.length++] = text.charCodeAt(i);
  }

  /** The bytes so far; a view that later pushes may leave behind. */
  view(): Uint8Array {
    return this.values.subarray(0, this.length);
  }
}
