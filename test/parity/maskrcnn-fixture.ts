import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import type { MatcherConfig } from '../../core/matcher.js';
import { encodeRle } from '../../core/rle.js';
import { DEFAULT_ENGINE, openEngine, type Engine } from '../../engine/runtime/engine.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Backbone } from '../../engine/backbone.js';
import type { Segmentation } from '../../core/coco.js';
import { toLibraryLayout, toNhwc } from '../helpers/layout.js';
import { toTorchLayout } from '../../weights/layout.js';
import { readTensors, type Fixture, type FixtureTensor } from '../helpers/fixtures.js';
import { EAGER_BACKEND, type RuntimeName } from '../helpers/runtimes.js';

/** An engine that runs as the helpers' runtime of that name does. */
export function engineOf(runtime: RuntimeName): Promise<Engine> {
  tf.env().set('PROD', true); // silences tfjs's hint to install its native package
  switch (runtime) {
    case 'eager cpu':
      return openEngine({ kind: 'eager', tfjsBackend: EAGER_BACKEND });
    case 'compiled':
      return openEngine();
    case 'compiled portable':
      return openEngine({ ...DEFAULT_ENGINE, lowering: 'portable' } as typeof DEFAULT_ENGINE);
  }
}

/** The backbone part of a detector fixture's config. */
export interface BackboneJson {
  readonly depths: ConvNeXtV2Config['depths'];
  readonly dims: ConvNeXtV2Config['dims'];
}

export function backboneOf({ depths, dims }: BackboneJson): Backbone {
  return createDenseBackbone({ depths, dims, responseNorm: 'grn' });
}

/** A matcher of a fixture; they are computed in float64, which doesn't split ties as float32 does. */
export function matcherOf(json: {
  readonly pos_iou: number;
  readonly neg_iou: number;
  readonly min_pos_iou: number;
  readonly match_low_quality: boolean;
}): MatcherConfig {
  return {
    positiveIou: json.pos_iou,
    negativeIou: json.neg_iou,
    minPositiveIou: json.min_pos_iou,
    lowQuality: json.match_low_quality,
    tieTolerance: 1e-6,
  };
}

/** A tensor of a fixture. */
export function tensorOf({ name, tensors }: Fixture<unknown>, key: string): FixtureTensor {
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`fixture ${name}: expected ${key}`);
  return tensor;
}

/** Images of dense prediction fixtures: bytes `[N, C, H, W]`, value `(u8 − 128) / 32`. */
export function imagesOf(tensor: FixtureTensor): {
  shape: [number, number, number, number];
  data: Float32Array;
} {
  const [n, c, h, w] = tensor.shape;
  return { shape: [n, h, w, c], data: toNhwc(tensor).map((v) => (v - 128) / 32) };
}

/** Bitmaps `[M, H, W]` as run lengths. */
export function segmentationsOf({ shape, data }: FixtureTensor): readonly Segmentation[] {
  const [count, height, width] = shape;
  return Array.from({ length: count }, (_, m) => ({
    kind: 'rle',
    ...encodeRle(data.subarray(m * height * width, (m + 1) * height * width), height, width),
  }));
}

/** A first fully connected layer is a convolution here and flattened in the file. */
function unflattened(
  shape: readonly number[],
  here: readonly number[],
  layout: string,
): readonly number[] {
  const [kh, kw, channels] = here;
  return layout === 'conv' && shape.length === 2 ? [shape[0], channels, kh, kw] : shape;
}

/** Fills the parameters below a prefix from a weight file of a fixture. */
export function fillDetector(store: ParameterStore, file: string, prefix = ''): void {
  const tensors = readTensors(file);
  for (const { path, spec } of store.entries) {
    if (!path.startsWith(prefix)) continue;
    const tensor = tensors.get(path);
    if (!tensor) throw new Error(`${file}: expected ${path}`);
    const shape = unflattened(tensor.shape, spec.shape, spec.layout);
    store.get(path).set(toLibraryLayout(Float32Array.from(tensor.data), shape, spec.layout));
  }
}

/** Values of a parameter, laid out like the store, in the order of the fixture. */
export function inTorchOrder(
  store: ParameterStore,
  buffer: Float32Array,
  path: string,
): Float32Array {
  const entry = store.entry(path);
  const { shape, layout } = entry.spec;
  return toTorchLayout(Float32Array.from(store.view(entry, buffer)), shape, layout);
}

export const weightsFile = ({ folder, json }: Fixture<{ readonly weights: string }>): string =>
  join(folder, json.weights);

/** The number after `key` in the fixture's stated tolerances, e.g. `scores` in "boxes abs 2e-3 px, scores 1e-5". */
export function stated(lines: readonly string[], pattern: RegExp): number {
  const match = lines.map((line) => pattern.exec(line)).find((m) => m);
  if (!match) throw new Error(`tolerance ${String(pattern)} not found in: ${lines.join('; ')}`);
  return Number(match[1]);
}

/** Columns `from … from + count − 1` of a matrix. */
export function columns({ shape, data }: FixtureTensor, from: number, count: number): Float32Array {
  const width = shape[1];
  return Float32Array.from(
    { length: shape[0] * count },
    (_, i) => data[Math.floor(i / count) * width + from + (i % count)],
  );
}
