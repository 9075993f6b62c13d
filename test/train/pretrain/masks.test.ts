import { expect, test } from 'vitest';
import { drawMasks, fixedMasks } from '../../../train/pretrain/masks.js';
import { fcmaeRecipe } from '../../../train/recipes/fcmae.js';

const { fcmae } = fcmaeRecipe('atto');

test('masks of training change with the step, those of evaluation do not', () => {
  const shape = [2, 128, 128, 3] as const;
  const position = { seed: 1, step: 5, micro: 0 };
  const mask = drawMasks(shape, fcmae, position).mask;
  expect(drawMasks(shape, fcmae, position).mask).toEqual(mask);
  expect(drawMasks(shape, fcmae, { ...position, micro: 1 }).mask).not.toEqual(mask);
  expect(drawMasks(shape, fcmae, { ...position, step: 6 }).mask).not.toEqual(mask);
  const [a, b] = [Int32Array.of(7, 9), Int32Array.of(9, 7)].map(
    (indices) => fixedMasks(shape, fcmae, indices).mask,
  );
  expect(b).toEqual(Float32Array.of(...a.slice(16), ...a.slice(0, 16)));
});
