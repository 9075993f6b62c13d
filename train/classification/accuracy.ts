/** Running top-1, top-5 and mean cross-entropy. */
export class TopAccuracy {
  private count = 0;
  private top1 = 0;
  private top5 = 0;
  private loss = 0;

  constructor(private readonly classes: number) {}

  /**
   * @param logits `[N, K]`
   * @param labels `[N]`; samples with a negative label are not counted
   */
  update(logits: Float32Array, labels: Int32Array): void {
    labels.forEach((label, n) => {
      if (label < 0) return;
      const row = logits.subarray(n * this.classes, (n + 1) * this.classes);
      let rank = 0;
      let max = -Infinity;
      for (let k = 0; k < row.length; k++) {
        if (row[k] > row[label] || (row[k] === row[label] && k < label)) rank++;
        max = Math.max(max, row[k]);
      }
      let total = 0;
      for (const logit of row) total += Math.exp(logit - max);
      this.count++;
      if (rank < 1) this.top1++;
      if (rank < 5) this.top5++;
      this.loss += Math.log(total) + max - row[label];
    });
  }

  /** Fractions and the mean loss; NaN without samples. */
  finish(): {
    readonly count: number;
    readonly top1: number;
    readonly top5: number;
    readonly loss: number;
  } {
    const { count } = this;
    return { count, top1: this.top1 / count, top5: this.top5 / count, loss: this.loss / count };
  }
}
