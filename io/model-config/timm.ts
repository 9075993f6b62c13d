import { WeightsMismatchError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import * as t from '../../core/schema.js';
import type { ModelConfig } from './model-config.js';

const Pretrained = t.record({
  mean: t.optional(t.orNull(t.list(t.number(), 3))),
  std: t.optional(t.orNull(t.list(t.POSITIVE, 3))),
  input_size: t.optional(t.orNull(t.list(t.whole(1), 3))),
  crop_pct: t.optional(t.orNull(t.number({ above: 0, to: 1 }))),
  crop_mode: t.optional(t.orNull(t.STRING)),
  interpolation: t.optional(t.orNull(t.STRING)),
  label_names: t.optional(t.orNull(t.list(t.STRING))),
});

/** timm's `config.json`; in older ones the fields of `pretrained_cfg` are at the top. */
export const TimmConfig = t.withUnknownFields(
  t.record({
    pretrained_cfg: t.optional(Pretrained),
    model_args: t.optional(
      t.orNull(
        t.record({
          norm_eps: t.optional(t.orNull(t.POSITIVE)),
          act_layer: t.optional(t.orNull(t.STRING)),
          norm_layer: t.optional(t.orNull(t.STRING)),
          output_stride: t.optional(t.orNull(t.number())),
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
export function fromTimm(file: string, json: t.Infer<typeof TimmConfig>): ModelConfig {
  const cfg = (json.pretrained_cfg ?? json) as t.Infer<typeof Pretrained>;
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
