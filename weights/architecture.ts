import { WeightsError } from '../core/errors.js';
import { formatShape, sameShape } from '../core/shape.js';
import type { TensorMap } from '../io/tensor.js';

/** Architecture of a network, derived from its tensors. */
export interface Architecture {
  /** Published size with these depths and dims, if any. */
  readonly size: AnySizeName | undefined;
  readonly depths: readonly number[];
  readonly dims: readonly number[];
  readonly inChannels: number;
  /** Undefined without a classifier head. */
  readonly numClasses: number | undefined;
  /** Width of a layer between norm and head (`pre_logits`), in some networks of CLIP. */
  readonly hiddenChannels?: number | undefined;
  /** Whether there is a norm before the head (not in FCMAE encoders). */
  readonly hasNorm: boolean;
  /** V1-style blocks: no block has GRN. */
  readonly withoutResponseNorm?: true | undefined;
  /** Stages with an output norm (`norm0` … `norm3`). */
  readonly stageNorms: readonly number[];
}

/** Published sizes. */
export type SizeName = 'atto' | 'femto' | 'pico' | 'nano' | 'tiny' | 'base' | 'large' | 'huge';

/** Depths and dims of the published sizes. @see ConvNeXt V2, table 1 of the appendix: https://arxiv.org/abs/2301.00808 */
export const SIZES: Readonly<
  Record<SizeName, { readonly depths: readonly number[]; readonly dims: readonly number[] }>
> = {
  atto: { depths: [2, 2, 6, 2], dims: [40, 80, 160, 320] },
  femto: { depths: [2, 2, 6, 2], dims: [48, 96, 192, 384] },
  pico: { depths: [2, 2, 6, 2], dims: [64, 128, 256, 512] },
  nano: { depths: [2, 2, 8, 2], dims: [80, 160, 320, 640] },
  tiny: { depths: [3, 3, 9, 3], dims: [96, 192, 384, 768] },
  base: { depths: [3, 3, 27, 3], dims: [128, 256, 512, 1024] },
  large: { depths: [3, 3, 27, 3], dims: [192, 384, 768, 1536] },
  huge: { depths: [3, 3, 27, 3], dims: [352, 704, 1408, 2816] },
};

/** Sizes that only ConvNeXt V1 and CLIP's networks have; those of V1's tiny, base and large are V2's. */
type V1SizeName = 'small' | 'xlarge' | 'xxlarge';

/** Sizes with a name. */
export type AnySizeName = SizeName | V1SizeName;

/**
 * @see ConvNeXt, section 3: https://arxiv.org/abs/2201.03545
 * @see xxlarge: https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/models/convnext.py
 */
export const V1_SIZES: Readonly<
  Record<V1SizeName, { readonly depths: readonly number[]; readonly dims: readonly number[] }>
> = {
  small: { depths: [3, 3, 27, 3], dims: [96, 192, 384, 768] },
  xlarge: { depths: [3, 3, 27, 3], dims: [256, 512, 1024, 2048] },
  xxlarge: { depths: [3, 4, 30, 3], dims: [384, 768, 1536, 3072] },
};

/** Limit of block numbers, because a name may contain any number. */
const MAX_DEPTH = 1000;

/**
 * Derives depths, dims and number of classes from the tensors.
 *
 * @param tensors official dense names
 * @throws WeightsError if the tensors that define them are missing
 */
export function inferArchitecture(file: string, tensors: TensorMap): Architecture {
  const shape = (name: string): readonly number[] => {
    const tensor = tensors.get(name);
    if (tensor) return tensor.shape;
    throw WeightsError.in(file, `expected tensor ${name}, got none`, { id: name });
  };
  const depths: number[] = [];
  for (const name of tensors.keys()) {
    const [, stage, block] = /^stages\.(\d)\.(\d+)\./.exec(name) ?? [];
    if (stage !== undefined) depths[+stage] = Math.max(depths[+stage] ?? 0, +block + 1);
  }
  const deepest = depths.find((depth) => depth > MAX_DEPTH);
  if (deepest !== undefined) {
    throw WeightsError.in(file, `expected at most ${MAX_DEPTH} blocks a stage, got ${deepest}`);
  }
  const stem = shape('downsample_layers.0.0.weight');
  const dims = [stem[0], ...[1, 2, 3].map((s) => shape(`downsample_layers.${s}.1.weight`)[0])];
  if (depths.length !== 4 || ![0, 1, 2, 3].every((s) => depths[s] > 0)) {
    throw WeightsError.in(file, `expected four stages of blocks, got [${depths.join(', ')}]`);
  }
  return {
    size: sizeOf(depths, dims),
    depths,
    dims,
    inChannels: stem[1],
    numClasses: tensors.get('head.weight')?.shape[0],
    hiddenChannels: tensors.get('pre_logits.weight')?.shape[0],
    hasNorm: tensors.has('norm.weight'),
    withoutResponseNorm: [...tensors.keys()].some(isGrn) ? undefined : true,
    stageNorms: [0, 1, 2, 3].filter((s) => tensors.has(`norm${s}.weight`)),
  };
}

const isGrn = (name: string): boolean => name.includes('.grn.');

/** Finds the published size with these depths and dims. */
export function sizeOf(
  depths: readonly number[],
  dims: readonly number[],
): AnySizeName | undefined {
  const sizes = { ...SIZES, ...V1_SIZES };
  return (Object.keys(sizes) as AnySizeName[]).find(
    (name) => sameShape(sizes[name].depths, depths) && sameShape(sizes[name].dims, dims),
  );
}

/** Lists all tensors of a network with their official shapes. */
export function expectedShapes(architecture: Architecture): ReadonlyMap<string, readonly number[]> {
  const { depths, dims, inChannels, numClasses, hiddenChannels } = architecture;
  const { hasNorm, withoutResponseNorm, stageNorms } = architecture;
  const shapes = new Map<string, readonly number[]>();
  const add = (path: string, weight: readonly number[], bias = weight[0]): void => {
    shapes.set(`${path}.weight`, weight).set(`${path}.bias`, [bias]);
  };
  dims.forEach((dim, stage) => {
    const conv = stage === 0 ? [dim, inChannels, 4, 4] : [dim, dims[stage - 1], 2, 2];
    add(`downsample_layers.${stage}.${stage === 0 ? 0 : 1}`, conv);
    add(`downsample_layers.${stage}.${stage === 0 ? 1 : 0}`, [stage === 0 ? dim : dims[stage - 1]]);
    for (let block = 0; block < depths[stage]; block++) {
      const path = `stages.${stage}.${block}`;
      add(`${path}.dwconv`, [dim, 1, 7, 7]);
      add(`${path}.norm`, [dim]);
      add(`${path}.pwconv1`, [4 * dim, dim]);
      add(`${path}.pwconv2`, [dim, 4 * dim]);
      if (withoutResponseNorm) continue;
      shapes.set(`${path}.grn.gamma`, [1, 1, 1, 4 * dim]);
      shapes.set(`${path}.grn.beta`, [1, 1, 1, 4 * dim]);
    }
  });
  for (const stage of stageNorms) add(`norm${stage}`, [dims[stage]]);
  if (hasNorm) add('norm', [dims[3]]);
  if (hiddenChannels !== undefined) add('pre_logits', [hiddenChannels, dims[3]]);
  if (numClasses !== undefined) add('head', [numClasses, hiddenChannels ?? dims[3]]);
  return shapes;
}

/**
 * Lists the differences between the names and shapes of `tensors` and those of the network; empty if equal.
 *
 * @param tensors official dense names
 */
export function compareShapes(
  tensors: TensorMap,
  expected: ReadonlyMap<string, readonly number[]>,
): readonly string[] {
  const problems: string[] = [];
  for (const [name, shape] of expected) {
    const got = tensors.get(name)?.shape;
    if (!got) problems.push(`missing ${name}`);
    else if (!sameShape(got, shape)) {
      problems.push(`${name}: expected ${formatShape(shape)}, got ${formatShape(got)}`);
    }
  }
  for (const name of tensors.keys()) if (!expected.has(name)) problems.push(`unexpected ${name}`);
  return problems;
}
