import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { WorkError } from '../core/errors.js';
import {
  sessionStartEvent,
  summaryEvent,
  versionEvent,
  type EventTime,
  type SummaryValue,
} from './tensorboard-messages.js';
import { frameRecord } from '../io/tfrecord/write.js';

/** Options of a {@link TensorBoardWriter}. */
interface TensorBoardOptions {
  /** First step of a resumed run: TensorBoard drops the later events of earlier files in the folder. */
  readonly resumedAtStep?: number | undefined;
  /** Returns milliseconds since 1970; default: the system clock. */
  readonly now?: (() => number) | undefined;
}

/**
 * Writes an event file for TensorBoard (`tensorboard --logdir RUN`). Every event is on disk when its method returns, so a
 * crashed run keeps its curves. Tags may have a group: `loss/rpn`.
 */
export class TensorBoardWriter {
  /** Path of the event file. */
  readonly file: string;
  private readonly now: () => number;
  private descriptor: number | undefined;

  /** Creates `folder` and a new event file in it. */
  constructor(folder: string, { resumedAtStep, now = Date.now }: TensorBoardOptions = {}) {
    this.now = now;
    mkdirSync(folder, { recursive: true });
    const created = createEventFile(folder, now());
    this.file = created.file;
    this.descriptor = created.descriptor;
    this.write(versionEvent(this.time(0)));
    if (resumedAtStep !== undefined) this.write(sessionStartEvent(this.time(resumedAtStep)));
  }

  /** Writes a point of a curve. NaN is allowed; TensorBoard marks it. */
  scalar(tag: string, value: number, step: number): void {
    this.add(tag, { kind: 'scalar', value }, step);
  }

  /**
   * Writes a picture. TensorBoard serves the bytes unchanged.
   *
   * @param file content of a PNG or JPEG file
   * @throws DataError if it is neither
   * @see https://github.com/tensorflow/tensorboard, plugins/image/images_plugin.py: the type is read off the bytes
   */
  image(tag: string, file: Uint8Array, step: number): void {
    this.add(tag, { kind: 'image', file }, step);
  }

  /** @param values `[n]`, at least one, all finite @throws DataError otherwise */
  histogram(tag: string, values: ArrayLike<number>, step: number): void {
    this.add(tag, { kind: 'histogram', values }, step);
  }

  /** Closes the file; further writes throw, a second call does nothing. */
  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private add(tag: string, value: SummaryValue, step: number): void {
    this.write(summaryEvent(this.time(step), tag, value));
  }

  private time(step: number): EventTime {
    return { wallTimeSeconds: this.now() / 1000, step };
  }

  private write(event: Uint8Array): void {
    if (this.descriptor === undefined) {
      throw new WorkError(`TensorBoardWriter: expected an open file, got a closed ${this.file}`);
    }
    const record = frameRecord(event);
    for (let at = 0; at < record.length;) at += writeSync(this.descriptor, record, at);
  }
}

/** TensorBoard recognizes event files by `tfevents` in their names and reads them in the order of the names. */
function createEventFile(
  folder: string,
  nowMs: number,
): { readonly file: string; readonly descriptor: number } {
  const seconds = String(Math.floor(nowMs / 1000)).padStart(10, '0');
  for (let count = 0; ; count++) {
    const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${count}`;
    const file = join(folder, name);
    try {
      return { file, descriptor: openSync(file, 'wx') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
