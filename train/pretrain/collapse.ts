import * as tf from '../../engine/tfjs.js';
import { convNeXtV2Features, type ConvNeXtV2Specs } from '../../backbone/convnextv2.js';
import type { GrnVariant } from '../../backbone/grn-variant.js';
import { DataError } from '../../core/errors.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { HostTensor, Program } from '../../engine/runtime/program.js';
import { meanChannelCosineDistance } from '../../evaluation/collapse.js';

/** Position in a block: `expanded` after the activation function, `normalized` after GRN, only in blocks with GRN. */
type CollapsePoint = 'expanded' | 'normalized';

/** Feature collapse of one block. */
export interface BlockCollapse {
  /** `stages.s.b` */
  readonly layer: string;
  readonly point: CollapsePoint;
  /** Mean over the images of the mean cosine distance between channels, 0 – 0.5; small if channels are redundant. */
  readonly distance: number;
}

/** One activation of one image. */
export interface BlockActivation {
  /** `stages.s.b` */
  readonly layer: string;
  readonly point: CollapsePoint;
  /** H, W, 4C */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** `[H, W, 4C]`, valid until the next image. */
  readonly data: Float32Array;
}

/** Options of {@link featureCollapse}. */
interface CollapseOptions {
  /** `responseForm` of the configuration. */
  readonly variant?: GrnVariant | undefined;
  /** Called with every activation of every image, with the index of the image. */
  readonly onActivation?: ((image: number, activation: BlockActivation) => void) | undefined;
}

/** Outputs `stages.s.b.expanded` and `stages.s.b.normalized`, `[N, H, W, 4C]`, of every block. */
export function collapseProgram(variant?: GrnVariant): Program {
  return {
    name: 'block activations',
    forward: (params: TensorTree<ConvNeXtV2Specs>, inputs) => {
      const activations: Record<string, tf.Tensor> = {};
      const observe = (name: string, x: tf.Tensor4D): void => {
        if (name.startsWith('stages.')) activations[name] = tf.keep(x.clone());
      };
      convNeXtV2Features(params, inputs['image'] as tf.Tensor4D, { variant, observe });
      return activations;
    },
  };
}

/**
 * Computes the cosine distance between the channels of every block's widest activation: the curve of the paper's figure
 * on feature collapse.
 *
 * @param images `[N, H, W, 3]` each, normalized and not masked; use a small N, because every activation is read
 * @returns in the order of the blocks; blocks with GRN have both positions
 * @throws DataError without images
 * @see ConvNeXt V2, section 3.1: https://arxiv.org/abs/2301.00808
 */
export async function featureCollapse(
  engine: Engine,
  store: ParameterStore,
  images: Iterable<HostTensor> | AsyncIterable<HostTensor>,
  { variant, onActivation }: CollapseOptions = {},
): Promise<readonly BlockCollapse[]> {
  const program = engine.prepare(collapseProgram(variant), store, {});
  const sums = new Map<string, number>();
  let numImages = 0;
  try {
    for await (const image of images) {
      const outputs = await program.run({ image });
      for (const [name, { shape, data }] of Object.entries(outputs)) {
        const [n, height, width, channels] = shape;
        const size = height * width * channels;
        for (let i = 0; i < n; i++) {
          const one = (data as Float32Array).subarray(i * size, (i + 1) * size);
          sums.set(name, (sums.get(name) ?? 0) + meanChannelCosineDistance(one, channels));
          onActivation?.(numImages + i, {
            ...nameParts(name),
            shape: [height, width, channels],
            data: one,
          });
        }
      }
      numImages += image.shape[0];
    }
  } finally {
    await program.release();
  }
  if (numImages === 0) throw new DataError('featureCollapse: expected images, got none');
  return [...sums].map(([name, sum]) => ({ ...nameParts(name), distance: sum / numImages }));
}

function nameParts(name: string): { readonly layer: string; readonly point: CollapsePoint } {
  const dot = name.lastIndexOf('.');
  return { layer: name.slice(0, dot), point: name.slice(dot + 1) as CollapsePoint };
}
