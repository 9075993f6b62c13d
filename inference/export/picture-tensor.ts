import { ShapeError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { ExportFormat } from './format.js';

/**
 * Brings images to the input `image` of an exported file that preprocesses them.
 *
 * @param images of one size
 * @throws ShapeError without images, or for several sizes
 */
export function pictureTensor(
  images: readonly RgbImage[],
  { layout, input }: Pick<ExportFormat, 'layout' | 'input'>,
): HostTensor {
  const [first] = images;
  if (!images.every(({ width, height }) => width === first.width && height === first.height))
    throw new ShapeError('export: expected images of one size');
  const { width, height } = first;
  const N = images.length;
  const bytes = new Uint8Array(N * height * width * 3);
  images.forEach(({ data }, i) => bytes.set(data, i * height * width * 3));
  const pixels = layout === 'nhwc' ? bytes : planes(bytes, { N, area: height * width, C: 3 });
  return {
    shape: layout === 'nhwc' ? [N, height, width, 3] : [N, 3, height, width],
    data: input === 'uint8' ? pixels : Float32Array.from(pixels, (value) => value / 255),
  };
}

/** Brings a map `[N, H, W, C]` to a layout. */
export function inLayout(
  { shape, data }: FloatTensor,
  layout: ExportFormat['layout'],
): FloatTensor {
  if (layout === 'nhwc') return { shape, data };
  const [N, height, width, C] = shape;
  return { shape: [N, C, height, width], data: planes(data, { N, area: height * width, C }) };
}

/** A tensor of floats in host memory. */
export interface FloatTensor extends HostTensor {
  readonly data: Float32Array;
}

/** `[N, area, C]` to `[N, C, area]`. */
function planes<T extends Uint8Array | Float32Array>(
  values: T,
  { N, area, C }: Readonly<Record<'N' | 'area' | 'C', number>>,
): T {
  const out = values.slice() as T;
  for (let n = 0; n < N; n++) {
    const first = n * area * C;
    for (let i = 0; i < area; i++)
      for (let c = 0; c < C; c++) out[first + c * area + i] = values[first + i * C + c];
  }
  return out;
}
