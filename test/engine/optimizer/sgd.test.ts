import { expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { createFlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import { sgd } from '../../../engine/optimizer/sgd.js';
import { sgdInFloat32 } from './oracle.js';

const RUN = { offset: 0, size: 1, lrScale: 1, weightDecay: 0 };

test('momentum accumulates gradients; the first step is plain SGD', () => {
  const buffers = createFlatBuffers(1, { moments: 1 });
  buffers.gradients[0] = 1;
  const options = { lr: 0.1, momentum: 0.5, nesterov: false };
  sgd(buffers, [RUN], options);
  expect(buffers.parameters[0]).toBeCloseTo(-0.1, 7);
  sgd(buffers, [RUN], options); // m = 1.5
  expect(buffers.parameters[0]).toBeCloseTo(-0.25, 7);
});

test('nesterov looks one step ahead', () => {
  const buffers = createFlatBuffers(1, { moments: 1 });
  buffers.gradients[0] = 1;
  sgd(buffers, [RUN], { lr: 0.1, momentum: 0.5, nesterov: true }); // g + 0.5·m = 1.5
  expect(buffers.parameters[0]).toBeCloseTo(-0.15, 7);
});

test('weight decay is added to the gradient and therefore to the momentum', () => {
  const buffers = createFlatBuffers(1, { moments: 1 });
  buffers.parameters[0] = 2;
  const runs = [{ ...RUN, lrScale: 0.5, weightDecay: 0.25 }];
  sgd(buffers, runs, { lr: 0.2, momentum: 0.9, nesterov: false });
  expect(buffers.moments[0][0]).toBeCloseTo(0.5, 7);
  expect(buffers.parameters[0]).toBeCloseTo(2 - 0.1 * 0.5, 7);
});

test('in place, staged and a float32 loop are bit-identical', () => {
  for (const nesterov of [false, true]) {
    const options = { lr: 0.03, momentum: 0.9, nesterov, gradientScale: 0.7 };
    const size = 20_003;
    const inPlace = createFlatBuffers(size, { moments: 1 });
    const staged = createFlatBuffers(size, { moments: 1, maxMemoryBytes: 0 });
    const random = new Random(9);
    for (const key of ['parameters', 'gradients'] as const) {
      for (let i = 0; i < size; i++) inPlace[key][i] = staged[key][i] = random.normal();
    }
    const plain = {
      parameters: inPlace.parameters.slice(),
      gradients: inPlace.gradients.slice(),
      moments: [new Float32Array(size)],
    };
    const runs = [{ offset: 1, size: size - 1, lrScale: 0.5, weightDecay: 1e-4 }];
    for (let step = 0; step < 3; step++) {
      sgd(inPlace, runs, options);
      sgd(staged, runs, options);
      sgdInFloat32(plain, runs, options);
    }
    expect(inPlace.parameters).toEqual(plain.parameters);
    expect(inPlace.moments).toEqual(plain.moments);
    expect(staged.parameters).toEqual(plain.parameters);
  }
});

test('buffers without a moment are rejected', () => {
  expect(() =>
    sgd(createFlatBuffers(1, { moments: 0 }), [], { lr: 1, momentum: 0, nesterov: false }),
  ).toThrow('sgd: expected buffers with 1 moment, got 0');
});
