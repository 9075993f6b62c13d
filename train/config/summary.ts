import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { sizeOf } from '../../weights/architecture.js';
import { RECIPES } from '../recipes/index.js';
import { peakLearningRate } from './pretrain.js';
import type { RecipeConfig } from './schemas.js';

/** One line of `config list`. */
interface RecipeSummary {
  readonly name: string;
  readonly task: RecipeConfig['task'];
  readonly model: string;
  /** Side of the training images or crops in pixels. */
  readonly inputPx: number;
  readonly imagesPerStep: number;
  readonly length: string;
  readonly lr: number;
}

/** Summaries of all recipes, in their order. */
export function summarizeRecipes(): readonly RecipeSummary[] {
  return Object.entries(RECIPES).map(([name, config]) => ({
    name,
    task: config.task,
    model: sizeName(config.task === 'pretrain' ? config.fcmae.backbone : config.backbone),
    inputPx: inputPx(config),
    imagesPerStep: config.batchSize * config.accumulation,
    length: config.task === 'segment' ? `${config.steps} steps` : `${config.epochs} epochs`,
    lr: Number((config.task === 'pretrain' ? peakLearningRate(config) : config.lr).toPrecision(6)),
  }));
}

/** Name of the published size, or depths and widths if there is none. */
function sizeName({ depths, dims }: ConvNeXtV2Config): string {
  return sizeOf(depths, dims) ?? `${depths.join('-')}/${dims.join('-')}`;
}

function inputPx(config: RecipeConfig): number {
  switch (config.task) {
    case 'segment':
      return config.geometry.cropSize;
    case 'detect':
      return config.evaluation.limits.short;
    case 'classify':
    case 'pretrain':
      return config.training.kind === 'training'
        ? config.training.inputSize
        : config.training.resize.inputSize;
    default:
      return config satisfies never;
  }
}
