import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadClassifier } from '../../inference/classify/load.js';
import { locateModel } from '../../inference/locate.js';
import { summarizeModel } from '../../inference/summary.js';
import type { LazyTensor, TensorMap } from '../../io/tensor.js';
import { openWeights } from '../../weights/open.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { zip } from '../io/torch/torch-file.js';
import { renamesOf } from '../../weights/schemes/name-map.js';
import { TORCHVISION } from '../../weights/schemes/tables.js';
import { encoderArchitecture } from '../../weights/verify.js';
import { layer, saved } from './saved.js';
import { smallNetwork } from './small-network.js';

const { path, put } = temporaryFolder();

const save = (name: string, tensors: TensorMap): Promise<string> => saved(path(name), tensors);

/** The small network with its names changed. */
const renamed = (rename: (name: string) => string): TensorMap =>
  new Map([...smallNetwork()].map(([name, tensor]) => [rename(name), tensor]));

test.each<[string, (name: string) => string]>([
  ['compiled', (name) => name.replace(/^(stages\.1\.\d)/, '$1._orig_mod')],
  [
    'sharded',
    (name) => `_fsdp_wrapped_module.${name.replace(/(dwconv|norm)\./, '$1._fsdp_wrapped_module.')}`,
  ],
  [
    'computed again',
    (name) => `module.${name.replace(/^(stages\.\d\.\d)/, '$1._checkpoint_wrapped_module')}`,
  ],
])('single blocks may be %s', async (title, rename) => {
  const { architecture, scheme } = await summarizeModel(
    await save(`${title}.safetensors`, renamed(rename)),
  );
  expect([scheme, architecture.numClasses, architecture.depths]).toEqual([
    'official',
    6,
    [1, 2, 1, 1],
  ]);
});

test.each(['backbone.', 'feature_extractor.backbone.'])(
  'behind %s a head beside the backbone may have layers without weights before it',
  async (prefix) => {
    const outer = prefix.replace('backbone.', '');
    const rename = (name: string): string =>
      name.startsWith('head.') ? name.replace('head.', `${outer}classifier.1.`) : prefix + name;
    const file = await save(`${prefix}safetensors`, renamed(rename));
    const { store } = await loadClassifier(file);
    expect(store.get('head.bias')).toEqual(smallNetwork().get('head.bias')?.values);
  },
);

test('a head without norm, and an encoder beside unknown layers, are refused with what to do', async () => {
  const network: Map<string, LazyTensor> = smallNetwork({ hasNorm: false });
  await expect(loadClassifier(await save('bare.safetensors', network))).rejects.toThrow(
    /expected a norm before the head head\.weight \[6, 5\], got none; train … --weights/,
  );
  const beside = renamed((name) => name.replace(/^(?!head)/, 'trunk.').replace('head.', 'fc_out.'));
  await expect(loadClassifier(await save('beside.safetensors', beside))).rejects.toThrow(
    /got an encoder without head; .*; if one of the layers beside it is its head, name that head\.weight and head\.bias: fc_out\.weight \[6, 5\]$/,
  );
  const pair = new Map([
    ...renamed((name) => name.replace(/^head\./, 'head.0.')),
    ['head.2.weight', layer(2, 6)],
  ] as const);
  await expect(summarizeModel(await save('pair.safetensors', pair))).rejects.toThrow(
    'got 2 layers',
  );
});

test.each([
  [{ '__0_0.distcp': '', '.metadata': '' }, 'it is a distributed checkpoint (python -m torch'],
  [{ 'checkpoint-50/model.safetensors': '' }, 'give one of those in it: checkpoint-50'],
  [
    { 'epoch_3.pth': '', 'model_best.pth.tar': '', 'log.txt': '' },
    'in it: epoch_3.pth, model_best.pth.tar',
  ],
])('a folder of %j is refused with what it has', async (files, message) => {
  const folder = path(`folder-${Object.keys(files).length}-${message.length}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  await expect(locateModel(folder)).rejects.toThrow(message);
});

test.each([
  ['program', ['a/models/model.json', 'a/data/weights/weight_0'], 'a program of torch.export'],
  ['packed', ['model.pth'], '(unpack it first)'],
])('an archive that is no torch file is named: %s', async (name, entries, message) => {
  const bytes = zip(entries.map((entry) => ({ name: entry, data: new Uint8Array(1) })));
  await expect(openWeights(await put(`${name}.zip`, bytes))).rejects.toThrow(message);
});

test.each(['', 'backbone.body.'])(
  "torchvision's layers that stand alone behind %j are a starting point",
  async (place) => {
    const depths = [1, 2, 1, 1];
    const network = new Map<string, LazyTensor>(smallNetwork({ withoutResponseNorm: true }));
    for (const [s, depth] of depths.entries())
      for (let b = 0; b < depth; b++) network.set(`stages.${s}.${b}.gamma`, layer(2 + s));
    const { to } = renamesOf(TORCHVISION);
    const layers = new Map<string, LazyTensor>();
    for (const [name, tensor] of network) {
      const bare = /^features\.(.+)$/.exec(to(name) ?? '')?.[1];
      if (bare !== undefined) layers.set(place + bare, tensor);
    }
    if (place !== '') layers.set('rpn.head.conv.0.0.weight', layer(4, 4, 3, 3));
    const file = await save('bare.safetensors', layers);
    expect((await encoderArchitecture(file)).depths).toEqual(depths);
  },
);

test('counters that a profiler left at every layer do not matter', async () => {
  const tensors = new Map<string, LazyTensor>(smallNetwork());
  for (const place of ['', 'stages.1.0.', 'stages.1.0.dwconv.', 'head.'])
    for (const counter of ['total_ops', 'total_params']) tensors.set(place + counter, layer(1));
  const { architecture, numLeftOut } = await summarizeModel(
    await save('profiled.safetensors', tensors),
  );
  expect([architecture.numClasses, numLeftOut]).toEqual([6, 0]);
});

test.each<[string, (name: string) => string, RegExp]>([
  [
    'adapters',
    (name) => name.replace(/(pwconv1)\.weight$/, '$1.base_layer.weight'),
    /not stages\.0\.0\.pwconv1\.base_layer\.weight.*; merge the adapters before saving/,
  ],
  [
    'weight norms',
    (name) => name.replace(/^head\.weight$/, 'head.parametrizations.weight.original1'),
    /not head\.param.*; remove weight norms.*; train … --weights .* takes its encoder, with a new head$/,
  ],
  [
    'two heads',
    (name) => name.replace(/^head\./, 'head_of_cats.'),
    /not head_of_cats\.weight.*; train … --weights .* takes its encoder, with a new head$/,
  ],
])('a network with %s is refused with what to do', async (title, rename, message) => {
  const file = await save(`${title}.safetensors`, renamed(rename));
  await expect(loadClassifier(file)).rejects.toThrow(message);
});
