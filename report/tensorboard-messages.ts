import { DataError } from '../core/errors.js';
import { readImageHeader } from '../io/image-header/read.js';
import { ProtobufWriter } from '../io/protobuf/writer.js';

/**
 * TensorBoard's messages in protobuf's wire format, with the numbers of their fields.
 *
 * @see tensorflow/core/util/event.proto, framework/summary.proto: https://github.com/tensorflow/tensorflow
 */

/** One value of a summary; its tag determines the chart. */
export type SummaryValue =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'image'; readonly file: Uint8Array }
  | { readonly kind: 'histogram'; readonly values: ArrayLike<number> };

/** Time and step. */
export interface EventTime {
  readonly wallTimeSeconds: number;
  readonly step: number;
}

/** Encodes the first event of every file. */
export function versionEvent(time: EventTime): Uint8Array {
  return event(time, (out) => out.text(3, 'brain.Event:2'));
}

/** Encodes the start of a resumed run: TensorBoard drops events of earlier files from this step on. */
export function sessionStartEvent(time: EventTime): Uint8Array {
  return event(time, (out) =>
    out.raw(
      7,
      message((log) => log.int(1, 1)),
    ),
  );
}

/**
 * Encodes an event with one value.
 *
 * @throws DataError if an image is neither PNG nor JPEG, or a histogram has no values or non-finite ones
 */
export function summaryEvent(time: EventTime, tag: string, value: SummaryValue): Uint8Array {
  const entry = message((out) => {
    out.text(1, tag);
    writeValue(out, tag, value);
  });
  const summary = message((out) => out.raw(1, entry));
  return event(time, (out) => out.raw(5, summary));
}

function writeValue(out: ProtobufWriter, tag: string, value: SummaryValue): void {
  switch (value.kind) {
    case 'scalar':
      return out.float(2, value.value);
    case 'image':
      return out.raw(4, image(tag, value.file));
    case 'histogram':
      return out.raw(5, histogram(tag, value.values));
    default:
      return value satisfies never;
  }
}

function image(tag: string, file: Uint8Array): Uint8Array {
  const header = readImageHeader(file, `image ${tag}`);
  if (!header) throw new DataError(`image ${tag}: expected a PNG or JPEG, got another format`);
  return message((out) => {
    out.int(1, header.height);
    out.int(2, header.width);
    out.int(3, header.channels);
    out.raw(4, file);
  });
}

const NUM_BUCKETS = 30;

/** Encodes thirty buckets of equal width from the minimum to the maximum, like `tf.summary.histogram`. */
function histogram(tag: string, values: ArrayLike<number>): Uint8Array {
  let [min, max, sum, squares] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) {
      throw new DataError(`histogram ${tag}: expected finite values, got ${value}`);
    }
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    squares += value * value;
  }
  if (values.length === 0) throw new DataError(`histogram ${tag}: expected values, got none`);
  const width = (max - min) / NUM_BUCKETS;
  const numBuckets = width > 0 ? NUM_BUCKETS : 1;
  const counts = new Float64Array(numBuckets);
  for (let i = 0; i < values.length; i++) {
    const bucket = width > 0 ? Math.floor((values[i] - min) / width) : 0;
    counts[Math.min(bucket, numBuckets - 1)]++;
  }
  const limits = Float64Array.from(
    counts,
    (_, i) => (i === numBuckets - 1 ? max : Math.min(max, min + width * (i + 1))), // rounding of tiny widths
  );
  return message((out) => {
    [min, max, values.length, sum, squares].forEach((value, i) => out.double(i + 1, value));
    out.packedDoubles(6, limits);
    out.packedDoubles(7, counts);
  });
}

function event(
  { wallTimeSeconds, step }: EventTime,
  write: (out: ProtobufWriter) => void,
): Uint8Array {
  return message((out) => {
    out.double(1, wallTimeSeconds);
    out.int(2, step);
    write(out);
  });
}

/** A message by itself: unlike those written in place, it gets the shortest form of its length. */
function message(write: (out: ProtobufWriter) => void): Uint8Array {
  const out = new ProtobufWriter(256);
  write(out);
  return out.finish();
}
