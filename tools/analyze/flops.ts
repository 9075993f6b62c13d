import { countMacs } from '../../backbone/macs.js';
import { convNeXtV2Specs } from '../../backbone/convnextv2.js';
import { isVariant, variant, type ConvNeXtV2Config } from '../../backbone/variants.js';
import { OptionError } from '../../core/errors.js';
import { numParameters } from '../../engine/parameters/store.js';
import { classifierSpecs } from '../../heads/classifier.js';
import { openEncoder } from '../../train/pretrain/encoder.js';
import { locateModel } from '../../inference/locate.js';
import { log } from '../output.js';

/** Options of `analyze flops`. */
export interface FlopsRequest {
  /** A size (`tiny`), or what `locateModel` finds. */
  readonly model: string;
  readonly heightPx: number;
  readonly widthPx: number;
  /** Of a classifier; 0: the backbone alone. */
  readonly classes: number;
  readonly cache?: string | undefined;
}

/** Cost of a part of a network for one image. */
interface PartCost {
  readonly part: string;
  /** Multiply-adds of convolutions and linear maps. */
  readonly macs: number;
  readonly parameters: number;
}

/** Cost of a network for one image. */
interface FlopsReport {
  readonly depths: readonly number[];
  readonly dims: readonly number[];
  readonly heightPx: number;
  readonly widthPx: number;
  /** Stages with the downsampling layer before them, head, total. */
  readonly parts: readonly PartCost[];
}

/**
 * Multiply-adds and parameters by stage. What the literature calls FLOPs is multiply-adds, and counts norms and activations too.
 *
 * @throws ConfigError for images smaller than the network's stride; WeightsError
 */
export async function analyzeFlops(request: FlopsRequest): Promise<FlopsReport> {
  const { heightPx, widthPx, classes } = request;
  if (heightPx < 32 || widthPx < 32)
    throw new OptionError(`--size: expected 32 pixels or more, got ${heightPx} × ${widthPx}`);
  const config = await configOf(request);
  const { stages, products } = countMacs(config, [heightPx, widthPx], classes);
  const specs = convNeXtV2Specs(config);
  const parts: PartCost[] = stages.map((macs, s) => ({
    part: `stage ${s}`,
    macs,
    parameters: numParameters([specs.downsample_layers[s], specs.stages[s]] as const),
  }));
  const head = classes > 0 ? classifierSpecs(config.dims[3], classes, { initScale: 1 }) : undefined;
  if (head)
    parts.push({
      part: 'head',
      macs: config.dims[3] * classes,
      parameters: numParameters({ norm: head.norm, head: head.head }),
    });
  const parameters = parts.reduce((sum, part) => sum + part.parameters, 0);
  parts.push({ part: 'total', macs: products, parameters });
  const { depths, dims } = config;
  return { depths, dims, heightPx, widthPx, parts };
}

async function configOf({ model, cache }: FlopsRequest): Promise<ConvNeXtV2Config> {
  if (isVariant(model)) return variant(model);
  const { file, verified } = await locateModel(model, { cache, onNotice: log });
  await verified;
  return (await openEncoder(file)).config;
}
