import { readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBytesSync } from '../io/files/read.js';
import { runFile } from '../io/run-folder.js';
import { TensorBoardWriter } from '../report/tensorboard.js';
import type { LogRecord } from './log-record.js';
import { SAMPLES } from '../report/samples.js';
import { RECONSTRUCTIONS } from './pretrain/set-up.js';
import { withWeights } from '../weights/open.js';
import { toFloat32 } from '../io/tensor.js';

/** Writes the records of a run as TensorBoard events to its folder. The file is created with the first record. */
export class RunEvents {
  private writer: TensorBoardWriter | undefined;

  constructor(
    private readonly folder: string,
    private readonly resumedAtStep?: number,
  ) {}

  /**
   * Writes the scalars of a record, and for an evaluation also the newest pictures of the run, of the weights, not of
   * their EMA.
   */
  record(record: LogRecord): void {
    const { step } = record;
    if (record.kind === 'eval') {
      for (const [name, value] of Object.entries(record.metrics))
        this.open().scalar(`${record.which === 'ema' ? 'eval_ema' : 'eval'}/${name}`, value, step);
      if (record.which === 'weights')
        for (const name of [RECONSTRUCTIONS, SAMPLES]) this.pictures(name, step);
      return;
    }
    const { losses, lr, gradientNorm, imagesPerSecond, dataWait, rssBytes } = record;
    const { loss, ...terms } = losses;
    const scalars: Readonly<Record<string, number | undefined>> = {
      loss,
      ...Object.fromEntries(Object.entries(terms).map(([name, value]) => [`train/${name}`, value])),
      lr,
      gradient_norm: gradientNorm,
      'speed/images_per_second': imagesPerSecond,
      'speed/data_wait_share': dataWait,
      'speed/memory_mib': rssBytes / 2 ** 20,
    };
    for (const [tag, value] of Object.entries(scalars))
      if (value !== undefined) this.open().scalar(tag, value, step);
  }

  /** Writes all PNG and JPEG files of a folder inside the run folder. */
  pictures(name: string, step: number): void {
    const folder = join(this.folder, name);
    if (!existsSync(folder)) return;
    const files = readdirSync(folder).filter((file) => /\.(png|jpg)$/.test(file));
    for (const file of files.sort())
      this.open().image(
        tagOf(name, file),
        readBytesSync(runFile(this.folder, join(name, file))),
        step,
      );
  }

  /** Writes a histogram of every tensor of a checkpoint with two or more axes. */
  async histograms(checkpoint: string, step: number): Promise<void> {
    const prefix = 'weights.';
    await withWeights(checkpoint, async ({ tensors }) => {
      for (const [name, tensor] of tensors) {
        if (!name.startsWith(prefix) || tensor.shape.length < 2) continue;
        const values = toFloat32(await tensor.read());
        if (values.every(Number.isFinite))
          this.open().histogram(`weights/${name.slice(prefix.length)}`, values, step);
      }
    });
  }

  /** Closes the file. */
  close(): void {
    this.writer?.close();
  }

  private open(): TensorBoardWriter {
    const { resumedAtStep } = this;
    return (this.writer ??= new TensorBoardWriter(this.folder, { resumedAtStep }));
  }
}

const tagOf = (folder: string, file: string): string => `${folder}/${file.replace(/\.\w+$/, '')}`;
