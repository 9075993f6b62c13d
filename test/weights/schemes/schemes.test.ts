import { expect, test } from 'vitest';
import { WeightsError } from '../../../core/errors.js';
import { toScheme } from '../../../weights/convert.js';
import { toCanonical } from '../../../weights/schemes/canonical.js';
import {
  findNetworks,
  fromOfficialName,
  toOfficialName,
  type Scheme,
} from '../../../weights/schemes/names.js';
import { denseKernelToSparse, sparseKernelToDense } from '../../../weights/schemes/sparse.js';
import {
  reshaped,
  tensorOf,
  toFloat32,
  type LazyTensor,
  type TensorMap,
} from '../../../io/tensor.js';
import { smallNetwork } from '../small-network.js';

const schemeOf = (names: Iterable<string>) => findNetworks(names).at(0)?.scheme;

const OTHERS: readonly Scheme[] = ['timm', 'hf', 'sparse'];

/** Official names beside the others', from the tables of the sources. */
test.each([
  ['timm', 'downsample_layers.0.1.bias', 'stem.1.bias'],
  ['timm', 'downsample_layers.2.1.weight', 'stages.2.downsample.1.weight'],
  ['timm', 'stages.2.10.dwconv.weight', 'stages.2.blocks.10.conv_dw.weight'],
  ['timm', 'stages.0.1.norm.bias', 'stages.0.blocks.1.norm.bias'],
  ['timm', 'stages.0.1.pwconv2.bias', 'stages.0.blocks.1.mlp.fc2.bias'],
  ['timm', 'stages.0.1.grn.gamma', 'stages.0.blocks.1.mlp.grn.weight'],
  ['timm', 'stages.0.1.grn.beta', 'stages.0.blocks.1.mlp.grn.bias'],
  ['timm', 'norm.weight', 'head.norm.weight'],
  ['timm', 'head.bias', 'head.fc.bias'],
  ['hf', 'downsample_layers.0.0.weight', 'convnextv2.embeddings.patch_embeddings.weight'],
  ['hf', 'downsample_layers.0.1.weight', 'convnextv2.embeddings.layernorm.weight'],
  ['hf', 'downsample_layers.3.0.bias', 'convnextv2.encoder.stages.3.downsampling_layer.0.bias'],
  ['hf', 'stages.1.0.norm.weight', 'convnextv2.encoder.stages.1.layers.0.layernorm.weight'],
  ['hf', 'stages.1.0.grn.beta', 'convnextv2.encoder.stages.1.layers.0.grn.bias'],
  ['hf', 'norm.bias', 'convnextv2.layernorm.bias'],
  ['hf', 'norm2.bias', 'convnextv2.hidden_states_norms.stage3.bias'],
  ['hf', 'head.weight', 'classifier.weight'],
  ['sparse', 'downsample_layers.0.0.weight', 'encoder.downsample_layers.0.0.weight'],
  ['sparse', 'downsample_layers.1.0.weight', 'encoder.downsample_layers.1.0.ln.weight'],
  ['sparse', 'downsample_layers.1.1.weight', 'encoder.downsample_layers.1.1.kernel'],
  ['sparse', 'stages.0.0.dwconv.weight', 'encoder.stages.0.0.dwconv.kernel'],
  ['sparse', 'stages.0.0.norm.bias', 'encoder.stages.0.0.norm.ln.bias'],
  ['sparse', 'stages.0.0.pwconv1.weight', 'encoder.stages.0.0.pwconv1.linear.weight'],
  ['sparse', 'decoder.0.grn.gamma', 'decoder.0.grn.gamma'],
] as const)('%s: %s is %s', (scheme, official, other) => {
  expect(fromOfficialName(official, scheme, true)).toBe(other);
  expect(toOfficialName(other, scheme)).toBe(official);
});

test('names outside a scheme have no counterpart', () => {
  expect(toOfficialName('stages.0.blocks.0.mlp.fc3.weight', 'timm')).toBeUndefined();
  expect(toOfficialName('xstem.0.weight', 'timm')).toBeUndefined();
  expect(fromOfficialName('norm0.weight', 'timm', true)).toBeUndefined();
  expect(fromOfficialName('head.weight', 'sparse', true)).toBeUndefined();
});

test('schemes are told apart, and foreign names are none', () => {
  for (const scheme of OTHERS) {
    const { named } = toScheme('f', smallNetwork(), scheme);
    expect(schemeOf(named.keys())).toBe(scheme);
  }
  expect(schemeOf(smallNetwork().keys())).toBe('official');
  expect(schemeOf(['backbone.downsample_layers.0.0.weight'])).toBe('official');
  expect(schemeOf(['embeddings.patch_embeddings.weight'])).toBe('hf');
  expect(schemeOf(['layer1.0.conv1.weight'])).toBeUndefined();
  expect(() =>
    toCanonical('f', new Map([['conv1.weight', tensorOf(Float32Array.of(1), [1])]])),
  ).toThrow(
    'f: expected ConvNeXt names (official, OpenMMLab, sparse FCMAE, timm, Hugging Face, Hugging Face DINOv3 or torchvision), got [conv1.weight, …]; no known scheme has any of the 1 names; save the state_dict()',
  );
  const cut = ['0.0.weight', '1.0.blocks.0.conv_dw.weight'].map(
    (name) => [name, tensorOf(Float32Array.of(1), [1])] as const,
  );
  expect(() => toCanonical('f', new Map(cut))).toThrow(
    /2 names; names that begin with numbers are those of an nn\.Sequential.*state_dict\(\) of the model itself/,
  );
});

async function expectSame(actual: TensorMap, expected: TensorMap): Promise<void> {
  expect([...actual.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, tensor] of expected) {
    const other = actual.get(name) as LazyTensor;
    expect([name, other.shape]).toEqual([name, tensor.shape]);
    expect([name, toFloat32(await other.read())]).toEqual([name, toFloat32(await tensor.read())]);
  }
}

test.each<[Scheme, Parameters<typeof smallNetwork>[0]]>([
  ['timm', {}],
  ['hf', {}],
  ['hf', { numClasses: undefined }], // the headless model: names without prefix
  ['hf', { numClasses: undefined, hasNorm: false, stageNorms: [0, 1, 2, 3] }], // the backbone
  ['hf', { numClasses: undefined, hasNorm: false, stageNorms: [3] }],
  ['sparse', { numClasses: undefined, hasNorm: false }],
])('official to %s and back is the identity', async (scheme, overrides) => {
  const network = smallNetwork(overrides);
  const { named, dropped } = toScheme('f', network, scheme);
  expect(dropped).toEqual([]);
  await expectSame(toCanonical('f', named).tensors, network);
});

test('the Hugging Face names of headless models have no prefix', () => {
  const { named } = toScheme('f', smallNetwork({ numClasses: undefined }), 'hf');
  expect(named.has('layernorm.weight')).toBe(true);
  const backbone = smallNetwork({ numClasses: undefined, hasNorm: false, stageNorms: [3] });
  expect(toScheme('f', backbone, 'hf').named.has('hidden_states_norms.stage4.weight')).toBe(true);
});

test('timm files may have 4-D pointwise weights and GRN of any rank', async () => {
  const network = smallNetwork();
  const { named } = toScheme('f', network, 'timm', true);
  expect(named.get('stages.0.blocks.0.mlp.fc1.weight')?.shape).toEqual([8, 2, 1, 1]);
  expect(named.get('stages.0.blocks.0.mlp.grn.weight')?.shape).toEqual([8]);
  const odd = new Map(named);
  const grn = named.get('stages.0.blocks.0.mlp.grn.weight') as LazyTensor;
  odd.set('stages.0.blocks.0.mlp.grn.weight', reshaped(grn, [1, 8]));
  await expectSame(toCanonical('f', odd).tensors, network);
});

test('timm gets 4-D pointwise weights for the sizes that have them there', () => {
  const shape = (dims: number[], depths: number[]) =>
    toScheme('f', smallNetwork({ dims, depths }), 'timm').named.get(
      'stages.0.blocks.0.mlp.fc1.weight',
    )?.shape;
  expect(shape([40, 80, 160, 320], [2, 2, 6, 2])).toEqual([160, 40, 1, 1]);
  expect(shape([2, 3, 4, 5], [1, 1, 1, 1])).toEqual([8, 2]);
});

test('a sparse kernel is transposed, not flipped', async () => {
  // kernel[ky + kx·2, in, out] = ky·1000 + kx·100 + in·10 + out, for 2 × 2, 2 in, 3 out
  const kernel: number[] = [];
  for (let kx = 0; kx < 2; kx++)
    for (let ky = 0; ky < 2; ky++)
      for (let i = 0; i < 2; i++)
        for (let o = 0; o < 3; o++) kernel.push(1000 * ky + 100 * kx + 10 * i + o);
  const dense = sparseKernelToDense('k', tensorOf(Float32Array.from(kernel), [4, 2, 3]));
  expect(dense.shape).toEqual([3, 2, 2, 2]);
  const values = await dense.read();
  const at = (o: number, i: number, ky: number, kx: number) =>
    values[((o * 2 + i) * 2 + ky) * 2 + kx];
  expect([at(2, 1, 0, 1), at(2, 1, 1, 0), at(0, 0, 1, 1)]).toEqual([112, 1012, 1100]);
  const depthwise = sparseKernelToDense(
    'k',
    tensorOf(Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31), [4, 2]),
  );
  expect(depthwise.shape).toEqual([2, 1, 2, 2]);
  expect([...(await depthwise.read())]).toEqual([0, 20, 10, 30, 1, 21, 11, 31]);
  const back = denseKernelToSparse('stages.0.0.dwconv.weight', depthwise);
  expect([...(await back.read())]).toEqual([0, 1, 10, 11, 20, 21, 30, 31]);
  expect(() => sparseKernelToDense('k', tensorOf(new Float32Array(5), [5, 1]))).toThrow(
    'expected a sparse kernel',
  );
});

test('dense names behind the encoder prefix are read as they are', async () => {
  const network = smallNetwork({ numClasses: undefined, hasNorm: false });
  const prefixed = new Map([...network].map(([name, tensor]) => [`encoder.${name}`, tensor]));
  await expectSame(toCanonical('f', prefixed).tensors, network);
});

test.each([[[8]], [[1, 8]], [[1, 1, 1, 8]]])('official files may hold GRN as %j', async (shape) => {
  const network = smallNetwork({ numClasses: undefined, hasNorm: false }); // as the published encoders
  const stored: Map<string, LazyTensor> = new Map(network);
  const name = 'stages.0.0.grn.gamma';
  stored.set(name, reshaped(network.get(name) as LazyTensor, shape));
  await expectSame(toCanonical('f', stored).tensors, network);
});

test('two names for one tensor are an error', () => {
  const network = smallNetwork();
  const { named } = toScheme('f', network, 'hf');
  const twice = new Map(named);
  twice.set('layernorm.weight', tensorOf(new Float32Array(5), [5]));
  expect(() => toCanonical('f', twice)).toThrow('expected one tensor for norm.weight');
});

test('LayerScale of V1 is folded into the second pointwise layer', async () => {
  const network: Map<string, LazyTensor> = smallNetwork();
  const before = new Map(network);
  for (const name of [...network.keys()]) {
    if (name.endsWith('.grn.beta')) network.delete(name);
    if (!name.endsWith('.grn.gamma')) continue;
    network.delete(name);
    const block = name.replace('.grn.gamma', '');
    const channels = network.get(`${block}.dwconv.bias`)?.shape[0] ?? 0;
    const scale = Float32Array.from({ length: channels }, (_, c) => c + 2);
    network.set(`${block}.gamma`, tensorOf(scale, [channels]));
  }
  const { version, tensors } = toCanonical('f', network);
  expect(version).toBe(1);
  expect([...tensors.keys()].sort()).toEqual([...before.keys()].sort());
  expect(tensors.get('stages.0.0.grn.gamma')?.shape).toEqual([1, 1, 1, 8]);
  expect([...((await tensors.get('stages.0.0.grn.beta')?.read()) ?? [1])]).toEqual(
    Array(8).fill(0),
  );
  const weight = (await before.get('stages.0.0.pwconv2.weight')?.read()) as Float32Array; // [2, 8]
  const bias = (await before.get('stages.0.0.pwconv2.bias')?.read()) as Float32Array;
  expect(await tensors.get('stages.0.0.pwconv2.weight')?.read()).toEqual(
    weight.map((w, i) => w * (i < 8 ? 2 : 3)),
  );
  expect(await tensors.get('stages.0.0.pwconv2.bias')?.read()).toEqual(
    Float32Array.of(bias[0] * 2, bias[1] * 3),
  );
  network.delete('stages.0.0.pwconv2.bias');
  expect(() => toCanonical('f', network)).toThrow(WeightsError);
});

test('V1 under the names of timm and Hugging Face is detected', () => {
  const names = {
    timm: ['stem.0.weight', 'stages.0.blocks.0.gamma'],
    hf: [
      'convnext.embeddings.patch_embeddings.weight',
      'convnext.encoder.stages.0.layers.0.layer_scale_parameter',
    ],
  } as const;
  for (const [scheme, [stem, scale]] of Object.entries(names)) {
    expect(schemeOf([stem])).toBe(scheme);
    expect(toOfficialName(scale, scheme as Scheme)).toBe('stages.0.0.gamma');
  }
});

/** A linear head behind layers without weights, as fine-tuning code replaces it. */
test.each([
  ['timm', 'head.fc', 'head.fc.1'],
  ['hf', 'classifier', 'classifier.3'],
  ['official', 'head', 'head.0'],
] as const)('%s: %s may be %s, if it alone has weights', (scheme, outer, inner) => {
  const head = (name: string, ...shape: number[]): readonly [string, LazyTensor] => [
    name,
    tensorOf(new Float32Array(shape.reduce((a, b) => a * b)), shape),
  ];
  const body = [...toScheme('f', smallNetwork(), scheme).named].filter(
    ([name]) => !name.startsWith(`${outer}.`),
  );
  const wrapped = [head(`${inner}.weight`, 3, 5), head(`${inner}.bias`, 3)];
  const { tensors } = toCanonical('f', new Map([...body, ...wrapped]));
  expect(tensors.get('head.weight')?.shape).toEqual([3, 5]);
  expect(tensors.get('head.bias')?.shape).toEqual([3]);
  const several = [...wrapped, head(`${outer}.7.weight`, 3, 3)];
  const other = toCanonical('f', new Map([...body, ...several])).tensors;
  expect([other.has('head.weight'), other.has(`${inner}.weight`)]).toEqual([false, true]);
});

test('whole numbers as weights are refused: their scales are elsewhere', () => {
  const tensors = new Map(
    [...toScheme('f', smallNetwork(), 'timm').named].map(([name, tensor]) => [
      name,
      { ...tensor, dtype: 'I8' as const },
    ]),
  );
  expect(() => toCanonical('quantized.pth', tensors)).toThrow(
    'quantized.pth: expected weights of floating point, got I8 in stem.0.weight',
  );
});
