import { sum } from '../core/statistics.js';
import { ConfigError } from '../core/errors.js';
import { geometricRates } from '../core/rates.js';
import * as t from '../core/schema.js';
import { mergeRuns, type ParameterRun } from '../engine/optimizer/runs.js';
import type { ParameterEntry } from '../engine/parameters/store.js';
import type { ParameterSpec } from '../engine/parameters/spec.js';

const DECAY = t.number({ above: 0, to: 1 });

/**
 * Strategy of layer-wise learning rate decay: factor `layerDecay^(top − id)`, where heads have the top id.
 * - `uniform`: factor 1 for all (FCMAE pre-training)
 * - `single`: one id per block; a downsampling layer has that of the next block, the stem that of block 0
 * - `group`: ids 0 … 12, one per three blocks of stage 2, designed for 27 of them (classification)
 * - `layerWise`: the same with `numLayers` instead of 12 (detection: 6 for nine blocks, 12 for 27)
 * - `stageWise`: one id for all downsampling layers, then one per stage (segmentation)
 */
export const LayerRule = t.byKind(
  t.record({ kind: t.literal('uniform') }),
  t.record({ kind: t.literal('single'), layerDecay: DECAY }),
  t.record({ kind: t.literal('group'), layerDecay: DECAY }),
  t.record({ kind: t.literal('layerWise'), layerDecay: DECAY, numLayers: t.whole(1) }),
  t.record({ kind: t.literal('stageWise'), layerDecay: DECAY, numLayers: t.whole(1) }),
);
export type LayerRule = t.Infer<typeof LayerRule>;

/** Configuration of weight decay and learning rate factors. */
export interface ParameterGroupConfig {
  readonly layers: LayerRule;
  readonly weightDecay: number;
  /**
   * Whether weight decay applies to scale and shift of GRN. Original code: no in classification, yes in pre-training,
   * detection and segmentation.
   */
  readonly decayGrn: boolean;
}

/** Name and layout of a parameter, which determine its number of axes in the original code. */
export interface NamedParameter {
  readonly path: string;
  readonly spec: Pick<ParameterSpec, 'shape' | 'layout'>;
}

/** Update settings of one parameter. */
interface ParameterGroup {
  readonly path: string;
  /** Index into {@link lrScales}; null for `uniform`. */
  readonly layerId: number | null;
  readonly decays: boolean;
  readonly lrScale: number;
  /** 0 where `decays` is false. */
  readonly weightDecay: number;
}

const BLOCK = /^(?:(?:backbone|encoder)\.)?stages\.(\d+)\.(\d+)\./;
const DOWNSAMPLE = /^(?:(?:backbone|encoder)\.)?downsample_layers\.(\d+)\./;
const GRN = /\.(gamma|beta)$/;

/**
 * Groups the trained parameters as in the recipes of the original code. Depths are read from the names
 * (`[backbone.|encoder.]stages.s.b.…`), so pass all blocks.
 *
 * Exempt from weight decay: biases, parameters that are one-dimensional in the original code, and GRN if `decayGrn` is
 * false.
 *
 * @throws ConfigError if a rate is outside its range or `numLayers` is too small for the blocks
 * @see ConvNeXt V2, `optim_factory.py`: https://github.com/facebookresearch/ConvNeXt-V2
 * @see ConvNeXt, `layer_decay_optimizer_constructor.py`: https://github.com/facebookresearch/ConvNeXt
 */
export function groupParameters(
  parameters: readonly NamedParameter[],
  { layers, weightDecay, decayGrn }: ParameterGroupConfig,
): readonly ParameterGroup[] {
  if (!(weightDecay >= 0 && Number.isFinite(weightDecay))) {
    throw new ConfigError(`groupParameters: expected weightDecay from 0, got ${weightDecay}`);
  }
  const depths = depthsOf(parameters);
  const scales = lrScales(layers, depths);
  return parameters.map(({ path, spec }) => {
    const layerId = layerIdOf(path, layers, depths);
    if (layerId !== null && layerId >= scales.length) {
      throw new ConfigError(
        `groupParameters: ${path}: expected a layer id below ${scales.length}, got ${layerId} (raise numLayers)`,
      );
    }
    const decays =
      originalRank(path, spec) > 1 && !path.endsWith('.bias') && (decayGrn || !GRN.test(path));
    return {
      path,
      layerId,
      decays,
      lrScale: layerId === null ? 1 : scales[layerId],
      weightDecay: decays ? weightDecay : 0,
    };
  });
}

/**
 * Computes learning rate factors by layer id; the last one, of heads and final norms, is 1. Empty for `uniform`.
 *
 * @param depths number of blocks of each stage
 * @throws ConfigError if `layerDecay` or `numLayers` is outside its range
 */
export function lrScales(layers: LayerRule, depths: readonly number[]): readonly number[] {
  if (layers.kind === 'uniform') return [];
  const { layerDecay } = layers;
  if (!(layerDecay > 0 && layerDecay <= 1)) {
    throw new ConfigError(`lrScales: expected layerDecay above 0, up to 1, got ${layerDecay}`);
  }
  const numLayers = numLayersOf(layers, depths);
  if (!Number.isInteger(numLayers) || numLayers < 0) {
    throw new ConfigError(`lrScales: expected a whole numLayers from 0, got ${numLayers}`);
  }
  return geometricRates(layerDecay, numLayers + 2);
}

/**
 * Runs for the optimizer: each parameter's place with its group's settings, neighbors joined.
 *
 * @throws ConfigError if a parameter belongs to no group
 */
export function parameterRuns(
  groups: readonly ParameterGroup[],
  places: readonly Pick<ParameterEntry, 'path' | 'offset' | 'size'>[],
): readonly ParameterRun[] {
  const byPath = new Map(groups.map((group) => [group.path, group]));
  return mergeRuns(
    places.map(({ path, offset, size }) => {
      const group = byPath.get(path);
      if (!group) throw new ConfigError(`parameterRuns: expected a group for ${path}, got none`);
      return { offset, size, lrScale: group.lrScale, weightDecay: group.weightDecay };
    }),
  );
}

/** Number of axes of the tensor in the original code, where GRN is `[1, 1, 1, 4C]` and the mask token `[1, C, 1, 1]`. */
function originalRank(path: string, { shape, layout }: NamedParameter['spec']): number {
  switch (layout) {
    case 'vector':
      return GRN.test(path) || /(^|\.)mask_token$/.test(path) ? 4 : shape.length;
    case 'linear':
      return 2;
    case 'conv':
    case 'depthwise':
    case 'convTranspose':
      return 4;
    default:
      return layout satisfies never;
  }
}

function depthsOf(parameters: readonly NamedParameter[]): readonly number[] {
  const depths: number[] = [];
  for (const { path } of parameters) {
    const match = BLOCK.exec(path);
    if (!match) continue;
    const stage = Number(match[1]);
    while (depths.length <= stage) depths.push(0);
    depths[stage] = Math.max(depths[stage], Number(match[2]) + 1);
  }
  return depths;
}

function numLayersOf(
  layers: Exclude<LayerRule, { readonly kind: 'uniform' }>,
  depths: readonly number[],
): number {
  switch (layers.kind) {
    case 'single':
      return sum(depths);
    case 'group':
      return 12;
    case 'layerWise':
    case 'stageWise':
      return layers.numLayers;
    default:
      return layers satisfies never;
  }
}

function layerIdOf(path: string, layers: LayerRule, depths: readonly number[]): number | null {
  if (layers.kind === 'uniform') return null;
  const numLayers = numLayersOf(layers, depths);
  const [, stageText, blockText] = BLOCK.exec(path) ?? [];
  const [, downsampleText] = DOWNSAMPLE.exec(path) ?? [];
  const inBlock = stageText !== undefined;
  if (!inBlock && downsampleText === undefined) return numLayers + 1;
  const stage = Number(inBlock ? stageText : downsampleText);
  const block = inBlock ? Number(blockText) : 0;
  switch (layers.kind) {
    case 'single':
      return sum(depths.slice(0, stage)) + block + 1;
    case 'group':
    case 'layerWise':
      if (stage === 0) return inBlock ? 1 : 0;
      if (stage === 1) return 2;
      return stage === 2 ? 3 + Math.floor(block / 3) : numLayers;
    case 'stageWise':
      return inBlock ? stage + 1 : 0;
    default:
      return layers satisfies never;
  }
}
