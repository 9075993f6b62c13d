import { WeightsMismatchError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import {
  POSITIVE,
  STRING,
  list,
  number,
  optional,
  orNull,
  record,
  whole,
  withUnknownFields,
  type Infer,
} from '../../core/schema.js';
import type { ModelConfig } from './model-config.js';

const Pretrained = record({
  mean: optional(orNull(list(number(), 3))),
  std: optional(orNull(list(POSITIVE, 3))),
  input_size: optional(orNull(list(whole(1), 3))),
  crop_pct: optional(orNull(number({ above: 0, to: 1 }))),
  crop_mode: optional(orNull(STRING)),
  interpolation: optional(orNull(STRING)),
  label_names: optional(orNull(list(STRING))),
});

/** timm's `config.json`; in older ones the fields of `pretrained_cfg` are at the top. */
export const TimmConfig = withUnknownFields(
  record({
    pretrained_cfg: optional(Pretrained),
    model_args: optional(
      orNull(
        record({
          norm_eps: optional(orNull(POSITIVE)),
          act_layer: optional(orNull(STRING)),
          norm_layer: optional(orNull(STRING)),
          output_stride: optional(orNull(number())),
        }),
      ),
    ),
    ...(Pretrained['properties'] as Record<string, never>),
  }),
);

/** timm's names of norms without shift. */
const NORMS: Readonly<Record<string, ModelConfig['norm']>> = {
  rmsnorm: 'rms',
  rmsnorm2d: 'rms',
  simplenorm: 'simple',
  simplenorm2d: 'simple',
};

/** Converts timm's configuration. @see timm/data/config.py, `resolve_data_config` */
export function fromTimm(file: string, json: Infer<typeof TimmConfig>): ModelConfig {
  const cfg = (json.pretrained_cfg ?? json) as Infer<typeof Pretrained>;
  const [, side] = cfg.input_size ?? [];
  const { norm_eps: normEps, act_layer: activation, output_stride: stride } = json.model_args ?? {};
  assertGelu(file, 'model_args.act_layer', activation);
  if (typeof stride === 'number' && stride !== 32)
    throw WeightsMismatchError.in(file, `model_args.output_stride: expected 32, got ${stride}`);
  return {
    file,
    // Ids of WordNet and what transformers makes up are no names for people.
    labels: cfg.label_names?.every((name) => !/^(n\d{8}|LABEL_\d+)$/.test(name))
      ? cfg.label_names
      : undefined,
    norm: NORMS[json.model_args?.norm_layer ?? ''],
    normEps: normEps ?? undefined,
    mean: cfg.mean ?? undefined,
    std: cfg.std ?? undefined,
    inputSize: side,
    cropFraction: cfg.crop_pct ?? undefined,
    mode: cfg.crop_mode === 'squash' ? 'warp' : 'crop',
    filter: cfg.interpolation === 'bilinear' ? 'bilinear' : 'bicubic',
  };
}

/** Checks the activation of the blocks, which leaves no trace in the tensors. @throws WeightsError if it is not GELU */
export function assertGelu(
  file: string,
  field: string,
  activation: string | null | undefined,
): void {
  if (typeof activation === 'string' && !['gelu', 'gelu_python'].includes(activation))
    throw WeightsMismatchError.in(file, `${field}: expected gelu, got ${printable(activation)}`);
}
