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
