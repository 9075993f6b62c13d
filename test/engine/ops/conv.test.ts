import { beforeAll, describe, expect, test } from 'vitest';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../../core/errors.js';
import { depthwiseConv, patchifyConv, sameConv } from '../../../engine/ops/conv.js';
import type { HostTensor } from '../../../engine/runtime/program.js';
import type { OpCase } from '../op-case.js';
import { WAYS, describeOp, expectSame, floats, forward, opCase, values } from '../op-case.js';

type Conv = { x: tf.Tensor4D; weight: tf.Tensor4D; bias: tf.Tensor1D };
type Kind = 'patchify' | 'same' | 'depthwise';

const OPS = { patchify: patchifyConv, same: sameConv, depthwise: depthwiseConv };

function conv(kind: Kind, name: string, inputs: Record<keyof Conv, HostTensor>): OpCase {
  return opCase<Conv>({
    name,
    inputs,
    op: ({ x, weight, bias }) => OPS[kind](x, { weight, bias }),
  });
}

/** A case with random values: image `[N, H, W, C]`, kernel `[kh, kw]`, `out` channels. */
function random(
  kind: Kind,
  image: readonly [number, number, number, number],
  [kh, kw]: readonly [number, number],
  out: number,
): OpCase {
  const filter = kind === 'depthwise' ? [kh, kw, image[3], 1] : [kh, kw, image[3], out];
  return conv(kind, `${kind} ${kh}×${kw} of [${image.join(', ')}] to ${out}`, {
    x: values(1, image),
    weight: values(2, filter),
    bias: values(3, [out]),
  });
}

const range = (count: number, from = 1): number[] =>
  Array.from({ length: count }, (_, i) => i + from);

describe.each(WAYS)('values computed by hand, %s', (way) => {
  test('a patchify convolution sums every patch and ignores incomplete ones', async () => {
    const c = conv('patchify', 'values computed by hand', {
      x: floats([1, 3, 5, 1], range(15)),
      weight: floats([2, 2, 1, 2], [1, 1, 1, 0, 1, 0, 1, -1]), // all ones; top left − bottom right
      bias: floats([2], [0, 100]),
    });
    // Patches {1, 2, 6, 7} and {3, 4, 8, 9}: sums 16 and 24, differences −6.
    expectSame('y', await forward(way, c), floats([1, 1, 2, 2], [16, 94, 24, 94]));
  });

  test('a 3×3 convolution pads with zeros and does not flip its kernel', async () => {
    const kernel = Array<number>(9).fill(0);
    kernel[0] = 1; // the upper left neighbor
    kernel[5] = 10; // the right neighbor
    const c = conv('same', 'values computed by hand', {
      x: floats([1, 2, 3, 1], range(6)),
      weight: floats([3, 3, 1, 1], kernel),
      bias: floats([1], [0.5]),
    });
    const expected = [20.5, 30.5, 0.5, 50.5, 61.5, 2.5];
    expectSame('y', await forward(way, c), floats([1, 2, 3, 1], expected));
  });

  test('a depthwise convolution does not mix channels', async () => {
    const kernel = new Float32Array(18);
    kernel[2 * 4] = 1; // center, channel 0
    kernel[2 * 3 + 1] = -1; // left neighbor, channel 1
    const c = conv('depthwise', 'values computed by hand', {
      x: floats([1, 1, 3, 2], range(6)),
      weight: floats([3, 3, 2, 1], [...kernel]),
      bias: floats([2], [0, 10]),
    });
    expectSame('y', await forward(way, c), floats([1, 1, 3, 2], [1, 10, 3, 8, 5, 6]));
  });
});

test('a convolution without a bias equals one with bias zero', async () => {
  const { inputs } = random('same', [1, 3, 4, 8], [3, 3], 8);
  const { x, weight } = inputs;
  const bare = opCase<Pick<Conv, 'x' | 'weight'>>({
    name: 'bare',
    inputs: { x, weight },
    op: (i) => sameConv(i.x, { weight: i.weight }),
  });
  const zero = conv('same', 'zero', { x, weight, bias: floats([8], Array<number>(8).fill(0)) });
  for (const way of WAYS) expectSame(way, await forward(way, bare), await forward(way, zero));
});

describe('wrong shapes are rejected', () => {
  beforeAll(() => tf.setBackend('cpu'));

  test('channels that differ', () => {
    const x = tf.zeros<tf.Rank.R4>([1, 8, 8, 4]);
    const weight = tf.zeros<tf.Rank.R4>([4, 4, 3, 8]);
    const bias = tf.zeros<tf.Rank.R1>([3]);
    expect(() => patchifyConv(x, { weight })).toThrow(ShapeError);
    expect(() => sameConv(x, { weight })).toThrow(ShapeError);
    expect(() => depthwiseConv(x, { weight: tf.zeros([3, 3, 3, 1]), bias })).toThrow(ShapeError);
  });

  test('an image smaller than a patch', () => {
    const weight = tf.zeros<tf.Rank.R4>([4, 4, 3, 8]);
    expect(() => patchifyConv(tf.zeros([1, 3, 8, 3]), { weight })).toThrow(ShapeError);
    expect(() => patchifyConv(tf.zeros([1, 8, 3, 3]), { weight })).toThrow(ShapeError);
  });
});

describeOp([
  random('patchify', [2, 8, 8, 3], [4, 4], 16),
  random('patchify', [1, 7, 9, 8], [2, 2], 5),
  random('patchify', [1, 6, 4, 4], [3, 2], 8),
  random('patchify', [1, 2, 2, 5], [2, 2], 4),
  random('same', [2, 3, 4, 6], [1, 1], 9),
  random('same', [2, 5, 6, 16], [3, 3], 32),
  random('same', [1, 4, 5, 12], [3, 3], 20),
  random('same', [2, 4, 3, 3], [3, 3], 5),
  random('same', [1, 5, 5, 4], [5, 3], 8),
  random('same', [1, 1, 1, 8], [3, 3], 4),
  random('depthwise', [2, 9, 8, 16], [7, 7], 16),
  random('depthwise', [1, 8, 9, 20], [7, 7], 20),
  random('depthwise', [2, 4, 3, 4], [7, 7], 4),
  random('depthwise', [1, 8, 7, 6], [7, 7], 6),
  random('depthwise', [2, 5, 6, 8], [3, 3], 8),
  random('depthwise', [1, 4, 7, 24], [5, 1], 24),
  random('depthwise', [2, 3, 3, 5], [1, 1], 5),
]);
