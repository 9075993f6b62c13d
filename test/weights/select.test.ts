import { expect, test } from 'vitest';
import type { LazyTensor, TensorMap, TensorSource } from '../../io/tensor.js';
import { canonicalWeights } from '../../weights/canonical.js';
import { toScheme } from '../../weights/convert.js';
import { selectWeights } from '../../weights/select.js';
import { countParameters } from '../../weights/verify.js';
import { smallNetwork } from './small-network.js';

const network = smallNetwork();
const other = smallNetwork({}, 2);
const timm = toScheme('f', network, 'timm').named;
const encoder = smallNetwork({ numClasses: undefined, hasNorm: false });

const source = (tensors: TensorMap): TensorSource => ({
  file: 'f.pth',
  container: 'torch-zip',
  tensors,
  plain: {},
  close: () => Promise.resolve(),
});
const behind = (prefix: string, tensors: TensorMap = network): Map<string, LazyTensor> =>
  new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]));
const renamed = (tensors: TensorMap, rename: (name: string) => string): Map<string, LazyTensor> =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));
const extra: LazyTensor = network.get('head.bias') as LazyTensor;

/** Names and values of a network, in any order. */
async function valuesOf(tensors: TensorMap): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const name of [...tensors.keys()].sort()) values[name] = await tensors.get(name)?.read();
  return values;
}

test.each<[string, TensorMap, { group?: string; prefix?: string }]>([
  ['nothing', network, {}],
  ['module.', behind('model.module.'), { group: 'model', prefix: 'module.' }],
  ['_orig_mod.', behind('_orig_mod.'), { prefix: '_orig_mod.' }],
  ['module._orig_mod.', behind('state_dict.module._orig_mod.'), { group: 'state_dict' }],
  ['_orig_mod.module.', behind('_orig_mod.module.'), { prefix: '_orig_mod.module.' }],
  ['Lightning', behind('state_dict.model.'), { group: 'state_dict', prefix: 'model.' }],
  ['Lightning, compiled', behind('state_dict.model._orig_mod.'), { prefix: 'model._orig_mod.' }],
  ['Lightning, in a net', behind('state_dict.net.backbone.'), { prefix: 'net.' }],
  ['an encoder', behind('state_dict.encoder.'), { group: 'state_dict' }],
  ['a backbone', behind('backbone.'), {}],
  ['net', behind('net.'), { group: 'net' }],
  ['weights', behind('weights.'), { group: 'weights' }],
  ['model_state_dict', behind('model_state_dict.'), { group: 'model_state_dict' }],
  ['the only dictionary', behind('my_own_key.'), { prefix: 'my_own_key.' }],
  ['only an average', behind('model_ema.'), { group: 'model_ema' }],
  ['an average beside', new Map([...behind('ema.', other), ...behind('net.')]), { group: 'net' }],
  ['a teacher beside', new Map([...behind('teacher.', other), ...behind('student.')]), {}],
  ['an optimizer beside', new Map([...behind('model.'), ['optimizer.state.0.exp_avg', extra]]), {}],
  [
    'a loss beside',
    new Map([...behind('model.net.'), ['model.loss.weight', extra]]),
    { prefix: 'net.' },
  ],
  ["timm's names behind module.", behind('state_dict.module.', timm), { prefix: 'module.' }],
  [
    'an encoder with a head beside it',
    renamed(network, (name) => (name.startsWith('head.') ? `net.${name}` : `net.encoder.${name}`)),
    {},
  ],
  [
    'a backbone with a classifier beside it',
    renamed(network, (name) =>
      name.startsWith('head.') ? name.replace('head', 'classifier') : `backbone.${name}`,
    ),
    {},
  ],
  [
    'mmpretrain',
    renamed(network, (name) =>
      name.startsWith('head.')
        ? name.replace('head.', 'head.fc.')
        : `backbone.${name
            .replace('dwconv', 'depthwise_conv')
            .replace('pwconv', 'pointwise_conv')
            .replace(/^norm\./, 'norm3.')}`,
    ),
    {},
  ],
  [
    'GRN with weight and bias',
    renamed(network, (name) =>
      name.replace('grn.gamma', 'grn.weight').replace('grn.beta', 'grn.bias'),
    ),
    {},
  ],
  [
    'the averages of mmcv 1 beside it',
    new Map([...behind('state_dict.backbone.'), ['state_dict.ema_backbone_norm_weight', extra]]),
    { group: 'state_dict' },
  ],
  ["DINOv3's second final norm", new Map([...network, ['norms.3.weight', extra]]), {}],
  [
    'DINOv3 of transformers',
    renamed(network, (name) =>
      name
        .replace(/^downsample_layers\.(\d)/, 'stages.$1.downsample_layers')
        .replace(/^stages\.(\d)\.(\d)/, 'stages.$1.layers.$2')
        .replace('dwconv', 'depthwise_conv')
        .replace('pwconv', 'pointwise_conv')
        .replace(/(layers\.\d\.)norm/, '$1layer_norm')
        .replace(/^norm/, 'layer_norm')
        .replace(/^head/, 'classifier'),
    ),
    {},
  ],
])('a network is found behind %s', async (_, tensors, expected) => {
  const found = canonicalWeights(source(tensors));
  expect(found).toMatchObject(expected);
  const isDinov3 = found.scheme === 'hf-dinov3'; // V1: without GRN
  const wanted = isDinov3
    ? new Map([...network].filter(([name]) => !name.includes('grn')))
    : network;
  const got = isDinov3
    ? new Map([...found.tensors].filter(([name]) => !name.includes('grn')))
    : found.tensors;
  expect(await valuesOf(got)).toEqual(await valuesOf(wanted));
});

test.each<[string, TensorMap]>([
  [
    'timm features_only',
    renamed(toScheme('f', encoder, 'timm').named, (name) =>
      name.replace(/^(stem|stages)\.(\d)/, '$1_$2'),
    ),
  ],
  [
    'segmentation_models',
    renamed(toScheme('f', encoder, 'timm').named, (name) =>
      name.replace(/^(stem|stages)\.(\d)/, 'state_dict.encoder.model.$1_$2'),
    ),
  ],
  [
    'open_clip',
    new Map([
      ['positional_embedding', extra],
      ...behind('visual.trunk.', toScheme('f', encoder, 'timm').named),
      ['visual.head.proj.weight', extra],
      ['logit_scale', extra],
    ]),
  ],
])('an encoder is found in a file of %s', async (_, tensors) => {
  expect(await valuesOf(canonicalWeights(source(tensors)).tensors)).toEqual(
    await valuesOf(encoder),
  );
});

test('what is beside a prefix is told', () => {
  const tensors = new Map([
    ...behind('model.net.'),
    ['model.loss.weight', extra],
    ['epoch', extra],
  ]);
  expect(selectWeights(source(tensors)).leftOut).toEqual(['model.loss.weight']);
});

test('several networks are refused with their places', () => {
  const two = new Map([...behind('left.'), ...behind('right.', other)]);
  expect(() => selectWeights(source(two))).toThrow(
    'f.pth: expected the weights of one network, got those of 2 (left., right.); save the one that is meant alone',
  );
});

test('an average is taken only if it is there', async () => {
  const both = new Map([...behind('model.'), ...behind('model_ema.', other)]);
  const average = canonicalWeights(source(both), 'model_ema');
  expect(await valuesOf(average.tensors)).toEqual(await valuesOf(other));
  expect(() => selectWeights(source(behind('model.')), 'model_ema')).toThrow(
    'expected weights "model_ema", got [model]',
  );
  expect(() => selectWeights(source(behind('model_ema.')), 'model')).toThrow(
    'expected weights "model", got [model_ema]',
  );
});

test('foreign names are refused with the closest scheme, what fits and what does not', () => {
  const foreign = renamed(timm, (name) =>
    name.replace('stem.0', 'entry').replace('stages.3.downsample', 'last'),
  );
  expect(() => canonicalWeights(source(foreign))).toThrow(
    /got \[entry\.weight, entry\.bias, stem\.1\.weight, stem\.1\.bias, …\]; closest: 64 of 70 names are timm, not entry\.weight, entry\.bias, last\.1\.weight, last\.1\.bias, last\.0\.weight, last\.0\.bias; save the state_dict/,
  );
});

test('V1 has one factor per channel instead of GRN', () => {
  const v1 = renamed(network, (name) => name);
  for (const name of network.keys()) {
    if (name.includes('.grn.')) v1.delete(name);
    const block = /^(stages\.\d\.\d)\.dwconv\.bias$/.exec(name)?.[1];
    if (block !== undefined) v1.set(`${block}.gamma`, network.get(name) as LazyTensor);
  }
  const count = [...v1.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  const { tensors, version } = canonicalWeights(source(v1));
  expect([version, countParameters(tensors, version)]).toEqual([1, count]);
});
