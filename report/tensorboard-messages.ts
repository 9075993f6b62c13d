import { DataError } from '../core/errors.js';
import { pictureHeader } from '../io/image-header/picture-size.js';

/**
 * TensorBoard's messages in protobuf's wire format; the numbers are those of the fields.
 *
 * @see tensorflow/core/util/event.proto, framework/summary.proto: https://github.com/tensorflow/tensorflow
 */

/** One value of a summary; its tag says in which chart it appears. */
export type SummaryValue =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'image'; readonly file: Uint8Array }
  | { readonly kind: 'histogram'; readonly values: ArrayLike<number> };

/** When, and at which step. */
export interface EventTime {
  readonly wallTimeSeconds: number;
  readonly step: number;
}

/** The first event of every file. */
export function versionEvent(time: EventTime): Uint8Array {
  return event(time, bytesField(3, utf8('brain.Event:2')));
}

/** Says that a resumed run starts here: TensorBoard drops what earlier files have from this step on. */
export function sessionStartEvent(time: EventTime): Uint8Array {
  return event(time, bytesField(7, varintField(1, 1)));
}

/**
 * An event with one value.
 *
 * @throws DataError if an image is neither PNG nor JPEG, or a histogram has no values or some that are not finite
 */
export function summaryEvent(time: EventTime, tag: string, value: SummaryValue): Uint8Array {
  const summary = bytesField(1, [...bytesField(1, utf8(tag)), ...valueField(tag, value)]);
  return event(time, bytesField(5, summary));
}

function valueField(tag: string, value: SummaryValue): Chunks {
  switch (value.kind) {
    case 'scalar':
      return floatField(2, value.value);
    case 'image':
      return bytesField(4, imageFields(tag, value.file));
    case 'histogram':
      return bytesField(5, histogramFields(tag, value.values));
    default:
      return value satisfies never;
  }
}

function imageFields(tag: string, file: Uint8Array): Chunks {
  const header = pictureHeader(file);
  if (!header)
    throw new DataError(
      `image ${tag}: expected a PNG or JPEG file, got ${file.length} other bytes`,
    );
  return [
    ...varintField(1, header.height),
    ...varintField(2, header.width),
    ...varintField(3, header.channels),
    ...bytesField(4, [file]),
  ];
}

const NUM_BUCKETS = 30;

/** Thirty buckets of equal width from the least to the greatest value, as `tf.summary.histogram`. */
function histogramFields(tag: string, values: ArrayLike<number>): Chunks {
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
  return [
    ...doubleField(1, min),
    ...doubleField(2, max),
    ...doubleField(3, values.length),
    ...doubleField(4, sum),
    ...doubleField(5, squares),
    ...bytesField(6, [doubles(limits)]),
    ...bytesField(7, [doubles(counts)]),
  ];
}

function event({ wallTimeSeconds, step }: EventTime, what: Chunks): Uint8Array {
  return concat([...doubleField(1, wallTimeSeconds), ...varintField(2, step), ...what]);
}

type Chunks = readonly Uint8Array[];

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.of(...bytes, rest);
}

/** A field's number and wire type: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
const key = (field: number, wireType: number): Uint8Array => Uint8Array.of(field * 8 + wireType);

const varintField = (field: number, value: number): Chunks => [key(field, 0), varint(value)];

const doubleField = (field: number, value: number): Chunks => [
  key(field, 1),
  doubles(Float64Array.of(value)),
];

function floatField(field: number, value: number): Chunks {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [key(field, 5), bytes];
}

function bytesField(field: number, content: Chunks): Chunks {
  const length = content.reduce((total, chunk) => total + chunk.length, 0);
  return [key(field, 2), varint(length), ...content];
}

function doubles(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setFloat64(8 * i, value, true));
  return bytes;
}

const utf8 = (text: string): Chunks => [new TextEncoder().encode(text)];

function concat(chunks: Chunks): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
