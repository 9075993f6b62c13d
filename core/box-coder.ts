import { numBoxes, type Boxes, type Size } from './boxes.js';
import { DataError, ShapeError } from './errors.js';
import * as t from './schema.js';

/** Encoding of boxes relative to a reference box: `((dx, dy, dw, dh) - means) / stds`. */
export const BoxCoderConfig = t.record({
  means: t.list(t.number(), 4),
  stds: t.list(t.POSITIVE, 4),
});
export type BoxCoderConfig = t.Infer<typeof BoxCoderConfig>;

/** Coder of the RPN. */
export const RPN_CODER = {
  means: [0, 0, 0, 0],
  stds: [1, 1, 1, 1],
} as const satisfies BoxCoderConfig;

/** Coder of the box head of Mask R-CNN and of the first stage of Cascade R-CNN. */
export const BOX_HEAD_CODER = {
  means: [0, 0, 0, 0],
  stds: [0.1, 0.1, 0.2, 0.2],
} as const satisfies BoxCoderConfig;

/** Limit of |dw| and |dh| when decoding: |ln(16 / 1000)|. */
export const MAX_LOG_RATIO = Math.abs(Math.log(16 / 1000));

/** Options of decoding. Without `clip` the boxes may extend beyond the image. */
export interface DecodeOptions extends BoxCoderConfig {
  /** The un-padded image. */
  readonly clip?: Size | undefined;
}

/**
 * Encodes targets relative to reference boxes: `dx = (gx - px) / pw` from the centers, `dw = ln(gw / pw)` from the
 * widths, `dy` and `dh` likewise; then `(d - mean) / std`.
 *
 * @param references `[M, 4]`, sides > 0
 * @param targets `[M, 4]`, sides > 0
 * @returns deltas `[M, 4]`
 * @throws ShapeError unless both are `[M, 4]`; DataError for a box without width or height
 */
export function encodeBoxes(
  references: Boxes,
  targets: Boxes,
  coder: BoxCoderConfig,
): Float32Array {
  const M = numBoxes('encodeBoxes', references);
  if (targets.length !== references.length)
    throw new ShapeError(`encodeBoxes: expected targets [${M}, 4], got ${targets.length} numbers`);
  const [meanX, meanY, meanW, meanH] = coder.means;
  const [stdX, stdY, stdW, stdH] = coder.stds;
  const deltas = new Float32Array(references.length);
  for (let b = 0; b < deltas.length; b += 4) {
    const pw = references[b + 2] - references[b];
    const ph = references[b + 3] - references[b + 1];
    const gw = targets[b + 2] - targets[b];
    const gh = targets[b + 3] - targets[b + 1];
    if (!(pw > 0 && ph > 0 && gw > 0 && gh > 0)) throw withoutArea(references, targets, b);
    const dx = (targets[b] + targets[b + 2] - references[b] - references[b + 2]) / (2 * pw);
    const dy = (targets[b + 1] + targets[b + 3] - references[b + 1] - references[b + 3]) / (2 * ph);
    deltas[b] = (dx - meanX) / stdX;
    deltas[b + 1] = (dy - meanY) / stdY;
    deltas[b + 2] = (Math.log(gw / pw) - meanW) / stdW;
    deltas[b + 3] = (Math.log(gh / ph) - meanH) / stdH;
  }
  return deltas;
}

function withoutArea(references: Boxes, targets: Boxes, b: number): DataError {
  const row = (boxes: Boxes): string => `[${Array.from(boxes.subarray(b, b + 4)).join(', ')}]`;
  return new DataError(
    `encodeBoxes: expected boxes of positive width and height, got reference ${row(references)} and target ${row(targets)} at row ${b / 4}`,
  );
}

/**
 * Inverse of {@link encodeBoxes}; `dw` and `dh` are clamped to ±|ln(16/1000)| first. If a row has more than four
 * deltas (class-specific regression, class-major), every group of four is decoded from the same reference.
 *
 * @param references `[M, 4]`
 * @param deltas `[M, K·4]`
 * @param out destination, `[M, K·4]`; may be `deltas`
 * @returns `[M, K·4]`
 * @throws ShapeError unless `deltas` has `K·4` numbers per reference
 */
export function decodeBoxes(
  references: Boxes,
  deltas: Float32Array,
  options: DecodeOptions,
  out: Boxes = new Float32Array(deltas.length),
): Boxes {
  const M = numBoxes('decodeBoxes', references);
  const rowLength = M === 0 ? 4 : deltas.length / M;
  if (rowLength % 4 !== 0 || deltas.length !== M * rowLength || out.length !== deltas.length)
    throw new ShapeError(
      `decodeBoxes: expected deltas [${M}, K*4] and as many outputs, got ${deltas.length} and ${out.length} numbers`,
    );
  for (let i = 0, d = 0; i < M; i++) {
    for (const end = d + rowLength; d < end; d += 4)
      decodeOne(references, 4 * i, deltas, d, options, out, d);
  }
  return out;
}

/**
 * Decodes one group of deltas per reference, the one of its class, as Cascade R-CNN does between stages.
 *
 * @param references `[M, 4]`
 * @param deltas `[M, K·4]`, class-major, or class-agnostic `[M, 4]`
 * @param classIndices `int32 [M]`, 0 … K − 1; values are ignored if the deltas are class-agnostic
 * @returns `[M, 4]`
 * @throws ShapeError unless the lengths fit; DataError for a class index outside 0 … K − 1
 */
export function decodeBoxesOfClass(
  references: Boxes,
  deltas: Float32Array,
  classIndices: Int32Array,
  options: DecodeOptions,
): Boxes {
  const M = numBoxes('decodeBoxesOfClass', references);
  const K = M === 0 ? 1 : deltas.length / M / 4;
  if (!Number.isInteger(K) || classIndices.length !== M || (M === 0 && deltas.length > 0))
    throw new ShapeError(
      `decodeBoxesOfClass: expected deltas [${M}, K*4] and ${M} classes, got ${deltas.length} numbers and ${classIndices.length} classes`,
    );
  const out = new Float32Array(4 * M);
  for (let i = 0; i < M; i++) {
    const k = K === 1 ? 0 : classIndices[i];
    if (!(k >= 0 && k < K))
      throw new DataError(
        `decodeBoxesOfClass: expected a class 0 to ${K - 1}, got ${k} at row ${i}`,
      );
    decodeOne(references, 4 * i, deltas, 4 * (i * K + k), options, out, 4 * i);
  }
  return out;
}

function decodeOne(
  references: Boxes,
  r: number,
  deltas: Float32Array,
  d: number,
  { means, stds, clip }: DecodeOptions,
  out: Boxes,
  at: number,
): void {
  const dx = deltas[d] * stds[0] + means[0];
  const dy = deltas[d + 1] * stds[1] + means[1];
  const dw = deltas[d + 2] * stds[2] + means[2];
  const dh = deltas[d + 3] * stds[3] + means[3];
  const pw = references[r + 2] - references[r];
  const ph = references[r + 3] - references[r + 1];
  const cx = (references[r] + references[r + 2]) * 0.5 + pw * dx;
  const cy = (references[r + 1] + references[r + 3]) * 0.5 + ph * dy;
  const halfW = 0.5 * pw * Math.exp(Math.min(Math.max(dw, -MAX_LOG_RATIO), MAX_LOG_RATIO));
  const halfH = 0.5 * ph * Math.exp(Math.min(Math.max(dh, -MAX_LOG_RATIO), MAX_LOG_RATIO));
  if (clip === undefined) {
    out[at] = cx - halfW;
    out[at + 1] = cy - halfH;
    out[at + 2] = cx + halfW;
    out[at + 3] = cy + halfH;
  } else {
    out[at] = Math.min(Math.max(cx - halfW, 0), clip.width);
    out[at + 1] = Math.min(Math.max(cy - halfH, 0), clip.height);
    out[at + 2] = Math.min(Math.max(cx + halfW, 0), clip.width);
    out[at + 3] = Math.min(Math.max(cy + halfH, 0), clip.height);
  }
}
