import type * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import type { Backbone } from '../../engine/backbone.js';
import { patchifyConv } from '../../engine/ops/conv.js';
import { convSpecs } from '../../engine/parameters/layers.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import { createMaskRcnn, MASK_RCNN } from '../../models/mask-rcnn.js';
import { createUperNet, UPERNET } from '../../models/upernet.js';
import { values } from '../engine/op-case.js';
import { executable, RUNTIMES } from '../helpers/runtimes.js';

/** One patchifying convolution a level: a backbone that is none of ours. */
function pyramidOfConvs(channels: Backbone['channels']): Backbone {
  const init = { kind: 'normal', std: 0.1 } as const;
  const [c2, c3, c4, c5] = channels;
  const specs = {
    stem: convSpecs(4, 3, c2, init),
    down: [convSpecs(2, c2, c3, init), convSpecs(2, c3, c4, init), convSpecs(2, c4, c5, init)],
  } as const;
  return {
    specs,
    channels,
    numBlocks: 0,
    features: ({ stem, down }: TensorTree<typeof specs>, image) => {
      const levels = down.reduce<tf.Tensor4D[]>(
        (all, conv) => [...all, patchifyConv(all[all.length - 1].relu(), conv)],
        [patchifyConv(image, stem)],
      );
      return { c2: levels[0], c3: levels[1], c4: levels[2], c5: levels[3] };
    },
  };
}

const backbone = pyramidOfConvs([4, 6, 8, 10]);
const image: HostTensor = values(1, [1, 64, 96, 3]);

test.each(RUNTIMES)(
  'a segmenter takes any backbone, with gradients down to its stem: %s',
  async (runtime) => {
    const head = {
      ...UPERNET,
      numClasses: 3,
      channels: 4,
      auxiliary: { channels: 4, weight: 0.4 },
    };
    const model = createUperNet(backbone, head);
    const store = new ParameterStore(model.specs);
    store.initialize(1);
    const into = new Float32Array(store.values.length);
    const training = await executable(runtime, model.training, store, { of: 'loss', into });
    const labels = { shape: [1, 64, 96], data: Int32Array.from({ length: 6144 }, (_, i) => i % 3) };
    const { loss, logits } = await training.run({ image, labels });
    expect(logits.shape).toEqual([1, 16, 24, 3]);
    expect(loss.data[0]).toBeGreaterThan(1);
    const gradient = store.view(store.entry('backbone.stem.weight'), into);
    expect(gradient.every(Number.isFinite) && gradient.some((v) => v !== 0)).toBe(true);
    await training.release();
  },
);

test('a detector takes any backbone', async () => {
  const model = createMaskRcnn(backbone, { ...MASK_RCNN, numClasses: 3, channels: 8 });
  const store = new ParameterStore(model.specs);
  store.initialize(1);
  const features = await executable('compiled', model.features, store);
  const outputs = await features.run({ image });
  expect(outputs['p2'].shape).toEqual([1, 16, 24, 8]);
  expect(outputs['p5'].shape).toEqual([1, 2, 3, 8]);
  await features.release();
});
