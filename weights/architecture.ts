import { WeightsMismatchError } from '../core/errors.js';
import type { OverlappingStem } from '../backbone/variants.js';
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
  /** Channels between the two convolutions of a stem of overlapping patches; absent: patches of 4×4 pixels. */
  readonly stem?: OverlappingStem | undefined;
  /** Whether norms have no shift: not layer norms, see {@link normKindOf}. */
  readonly withoutShift?: true | undefined;
  /** Whether positions are normalized before pooling (`norm_pre`, timm's `_hnf`) instead of their mean. */
  readonly normFirst?: true | undefined;
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

/** Sizes that only ConvNeXt V1, CLIP's and timm's networks have; those of V1's tiny, base and large are V2's. */
type V1SizeName = 'zepto' | 'small' | 'xlarge' | 'xxlarge';

/** Sizes with a name. */
export type AnySizeName = SizeName | V1SizeName;

/**
 * @see ConvNeXt, section 3: https://arxiv.org/abs/2201.03545
 * @see xxlarge, zepto: https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/models/convnext.py
 */
export const V1_SIZES: Readonly<
  Record<V1SizeName, { readonly depths: readonly number[]; readonly dims: readonly number[] }>
> = {
  zepto: { depths: [2, 2, 4, 2], dims: [32, 64, 128, 256] },
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
    throw WeightsMismatchError.in(file, `expected tensor ${name}, got none`, { id: name });
  };
  const foreign = foreignLayers(tensors);
  if (foreign.length > 0)
    throw WeightsMismatchError.in(
      file,
      `expected the layers of a ConvNeXt, got ${foreign.join(' and ')}`,
    );
  const depths: number[] = [];
  for (const name of tensors.keys()) {
    const [, stage, block] = /^stages\.(\d)\.(\d+)\./.exec(name) ?? [];
    if (stage !== undefined) depths[+stage] = Math.max(depths[+stage] ?? 0, +block + 1);
  }
  const deepest = depths.find((depth) => depth > MAX_DEPTH);
  if (deepest !== undefined) {
    throw WeightsMismatchError.in(
      file,
      `expected at most ${MAX_DEPTH} blocks a stage, got ${deepest}`,
    );
  }
  const stem = shape(`${STEM}.0.weight`);
  const overlapping = overlappingStem(tensors);
  const last = overlapping
    ? shape(`${STEM}.${overlapping.kind === 'activated' ? 2 : 1}.weight`)
    : stem;
  const dims = [last[0], ...[1, 2, 3].map((s) => shape(`downsample_layers.${s}.1.weight`)[0])];
  if (depths.length !== 4 || ![0, 1, 2, 3].every((s) => depths[s] > 0)) {
    throw WeightsMismatchError.in(
      file,
      `expected four stages of blocks, got [${depths.join(', ')}]`,
    );
  }
  return {
    size: sizeOf(depths, dims),
    depths,
    dims,
    inChannels: stem[1],
    numClasses: tensors.get('head.weight')?.shape[0],
    hiddenChannels: tensors.get('pre_logits.weight')?.shape[0],
    stem: overlapping,
    withoutShift: withoutShift(tensors) ? true : undefined,
    normFirst: tensors.has('norm_pre.weight') ? true : undefined,
    hasNorm: tensors.has('norm.weight'),
    withoutResponseNorm: [...tensors.keys()].some(isGrn) ? undefined : true,
    stageNorms: [0, 1, 2, 3].filter((s) => tensors.has(`norm${s}.weight`)),
  };
}

/** Path of the stem. */
const STEM = 'downsample_layers.0';

/** The stem of two 3×3 convolutions, if that is the stem of the network. */
function overlappingStem(tensors: TensorMap): OverlappingStem | undefined {
  const first = tensors.get(`${STEM}.0.weight`)?.shape ?? [];
  const rank = (position: number): number =>
    tensors.get(`${STEM}.${position}.weight`)?.shape.length ?? 0;
  if (first.length !== 4 || first[2] !== 3) return undefined;
  const kind = rank(1) === 4 ? 'overlap' : rank(2) === 4 ? 'activated' : undefined;
  return kind && { kind, channels: first[0] };
}

/** Layers of variants that are not read, with timm's names of the options that make them. */
function foreignLayers(tensors: TensorMap): readonly string[] {
  const found: string[] = [];
  const stem = tensors.get(`${STEM}.0.weight`)?.shape ?? [];
  const kernels = [...tensors].filter(([name]) => /^stages\.\d+\.\d+\.dwconv\.weight$/.test(name));
  const other = kernels.find(([, { shape }]) => shape.length === 4 && shape[2] !== 7);
  if (stem.length === 4 && stem[2] !== 4 && !overlappingStem(tensors))
    found.push(`a stem of ${stem[2]}×${stem[3]} pixels where 4×4 are read (patch_size)`);
  if (other) {
    const [, , height, width] = other[1].shape;
    found.push(`depthwise kernels of ${height}×${width} where 7×7 are read (kernel_sizes)`);
  }
  if (kernels.length > 0 && kernels.every(([name]) => !tensors.has(name.replace('weight', 'bias'))))
    found.push('convolutions without bias (conv_bias)');
  return found;
}

/** Whether no norm over channels has a shift. */
function withoutShift(tensors: TensorMap): boolean {
  const norms = [...tensors.keys()].filter((name) => BLOCK_NORM.test(name));
  return norms.length > 0 && norms.every((name) => name.endsWith('.weight'));
}

const BLOCK_NORM = /^stages\.\d+\.\d+\.norm\.(weight|bias)$/;

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
  const { hasNorm, withoutResponseNorm, stageNorms, stem, normFirst } = architecture;
  const shapes = new Map<string, readonly number[]>();
  const add = (path: string, weight: readonly number[], bias = weight[0]): void => {
    shapes.set(`${path}.weight`, weight).set(`${path}.bias`, [bias]);
  };
  const addNorm = (path: string, channels: number): void => {
    add(path, [channels]);
    if (architecture.withoutShift) shapes.delete(`${path}.bias`);
  };
  dims.forEach((dim, stage) => {
    if (stage > 0) {
      add(`downsample_layers.${stage}.1`, [dim, dims[stage - 1], 2, 2]);
      addNorm(`downsample_layers.${stage}.0`, dims[stage - 1]);
    } else if (stem) {
      const [second, last] = stem.kind === 'activated' ? [2, 3] : [1, 2];
      add(`${STEM}.0`, [stem.channels, inChannels, 3, 3]);
      add(`${STEM}.${second}`, [dim, stem.channels, 3, 3]);
      addNorm(`${STEM}.${last}`, dim);
    } else {
      add(`${STEM}.0`, [dim, inChannels, 4, 4]);
      addNorm(`${STEM}.1`, dim);
    }
    for (let block = 0; block < depths[stage]; block++) {
      const path = `stages.${stage}.${block}`;
      add(`${path}.dwconv`, [dim, 1, 7, 7]);
      addNorm(`${path}.norm`, dim);
      add(`${path}.pwconv1`, [4 * dim, dim]);
      add(`${path}.pwconv2`, [dim, 4 * dim]);
      if (withoutResponseNorm) continue;
      shapes.set(`${path}.grn.gamma`, [1, 1, 1, 4 * dim]);
      shapes.set(`${path}.grn.beta`, [1, 1, 1, 4 * dim]);
    }
  });
  for (const stage of stageNorms) addNorm(`norm${stage}`, dims[stage]);
  if (hasNorm) addNorm('norm', dims[3]);
  if (normFirst) addNorm('norm_pre', dims[3]);
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
