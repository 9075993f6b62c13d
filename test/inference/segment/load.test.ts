import { existsSync } from 'node:fs';
import { expect, test, type TestContext } from 'vitest';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { WeightsError } from '../../../core/errors.js';
import { inferSegmenter, loadSegmenter } from '../../../inference/segment/load.js';
import { loadBackbone } from '../../../inference/state-dict.js';
import {
  discoverFixtures,
  FOREIGN_FIXTURES,
  maxError,
  readTensors,
} from '../../helpers/fixtures.js';
import { torchValues } from '../../helpers/layout.js';
import { fixtureModel, type UperNetJson } from '../../parity/upernet-fixture.js';

const fixtures = discoverFixtures<UperNetJson>('upernet_train');

/** Weights of an encoder beside a fixture, which other folders than ours may lack. */
function encoderOf(folder: string, skip: TestContext['skip']): string {
  const encoder = `${folder}/dense_backbone_weights.safetensors`;
  skip(FOREIGN_FIXTURES && !existsSync(encoder), 'fixtures absent: dense_backbone');
  return encoder;
}

test.each(fixtures)(
  'a state dict of mmsegmentation loads by its own names: $name',
  async (fixture) => {
    const { model, weights } = fixtureModel(fixture);
    expect(existsSync(weights)).toBe(true);
    const { head, backbone } = await inferSegmenter(weights);
    expect(head).toEqual(model.config);
    expect(backbone).toMatchObject(fixture.json.config.backbone);
    const loaded = await loadSegmenter(weights);
    const tensors = readTensors(weights);
    for (const { path } of loaded.store.entries) {
      const expected = tensors.get(path)?.data ?? [];
      expect(maxError(torchValues(loaded.store, loaded.store.values, path), expected), path).toBe(
        0,
      );
    }
  },
);

test.each(fixtures)('a class list of another length is refused: $name', async (fixture) => {
  const { model, weights } = fixtureModel(fixture);
  const classNames = Array.from({ length: model.config.numClasses + 1 }, (_, k) => `class ${k}`);
  const loading = loadSegmenter(weights, { classNames });
  await expect(loading).rejects.toThrow(WeightsError);
  await expect(loading).rejects.toThrow(
    `expected weights for the ${classNames.length} classes of the list, got ${model.config.numClasses}`,
  );
});

test.for(fixtures)(
  'weights without heads are no segmenter: $name',
  async ({ folder }, { skip }) => {
    const encoder = encoderOf(folder, skip);
    const loading = inferSegmenter(encoder);
    await expect(loading).rejects.toThrow('expected a UPerNet segmenter');
  },
);

test.for(fixtures)(
  'the backbone starts from an encoder, the heads as they were: $name',
  async (fixture, { skip }) => {
    const encoder = encoderOf(fixture.folder, skip);
    const { model } = fixtureModel(fixture);
    const store = new ParameterStore(model.specs);
    store.initialize(1);
    const before = store.values.slice();
    const tensors = readTensors(encoder);
    const stem = tensors.get('downsample_layers.0.0.weight');
    const path = 'backbone.downsample_layers.0.0.weight';
    if (stem?.shape[0] !== store.entry(path).spec.shape[3]) {
      await expect(loadBackbone(encoder, store)).rejects.toThrow(WeightsError);
      expect(store.values).toEqual(before);
      return;
    }
    const { kept } = await loadBackbone(encoder, store);
    expect([...kept].sort()).toEqual(
      [0, 1, 2, 3].flatMap((i) => [`backbone.norm${i}.bias`, `backbone.norm${i}.weight`]),
    );
    expect(maxError(torchValues(store, store.values, path), stem.data)).toBe(0);
    const head = store.entry('decode_head.conv_seg.weight');
    expect(store.view(head, store.values)).toEqual(store.view(head, before));
  },
);
