import { Random } from '../../core/random.js';
import type { Size } from '../../core/boxes.js';
import type { RgbImage } from '../../core/image.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import { classifierInput } from '../classify/preprocess.js';
import { DetectorPredictor } from '../detect/predictor.js';
import { detectorInput, type DetectorInput } from '../detect/preprocess.js';
import type { LoadedModel, LoadedOf } from '../model.js';
import { createSegmenterPredictor } from '../segment/predictor.js';
import { segmenterInputs } from '../segment/preprocess.js';
import { labelsOf, mapRows, type ScoreRows } from '../segment/score-rows.js';
import type { ExportFormat } from './format.js';
import { inLayout, pictureTensor, type FloatTensor } from './picture-tensor.js';

/** Inputs of a file and what this library computes for them, by the names of the file's outputs. */
export interface Reference {
  readonly inputs: HostTensors;
  readonly expected: HostTensors;
}

/** Sizes of the pictures that a file is checked with: landscape and portrait. */
const PICTURES: readonly Size[] = [
  { width: 97, height: 64 },
  { width: 60, height: 90 },
];

/** Computes references for random pictures, and for raw files for a random input. */
export async function references(
  loaded: LoadedModel,
  format: ExportFormat,
  engine: Engine,
): Promise<readonly Reference[]> {
  if (format.raw) return [await rawReference(loaded, format, engine)];
  const sizes = PICTURES.map(({ width, height }) => ({
    width: format.width ?? width,
    height: format.height ?? height,
  }));
  const batch = format.batch ?? 1;
  const distinct =
    format.width !== undefined && format.height !== undefined ? sizes.slice(1) : sizes;
  const found: Reference[] = [];
  for (const [i, size] of distinct.entries()) {
    const image = picture(size, i + 1);
    const tensor = pictureTensor(new Array<RgbImage>(batch).fill(image), format);
    const one = await expectedOf(loaded, format, engine, image);
    found.push({ inputs: { image: tensor }, expected: repeated(one, batch) });
  }
  return found;
}

/** Random blocks of color. */
function picture({ width, height }: Size, seed: number): RgbImage {
  const random = new Random(seed);
  const side = 8;
  const columns = Math.ceil(width / side);
  const colors = Uint8Array.from({ length: 3 * columns * Math.ceil(height / side) }, () =>
    random.integer(256),
  );
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++, at++)
        data[at] = colors[(Math.floor(y / side) * columns + Math.floor(x / side)) * 3 + c];
  return { width, height, data };
}

/** The same results for a batch of equal images. */
function repeated(one: HostTensors, batch: number): HostTensors {
  if (batch === 1) return one;
  return Object.fromEntries(
    Object.entries(one).map(([name, { shape, data }]): [string, HostTensor] => {
      const all = data.slice().constructor as new (length: number) => typeof data;
      const values = new all(batch * data.length);
      for (let n = 0; n < batch; n++) values.set(data, n * data.length);
      return [name, { shape: [batch, ...shape.slice(1)], data: values }];
    }),
  );
}

function expectedOf(
  loaded: LoadedModel,
  format: ExportFormat,
  engine: Engine,
  image: RgbImage,
): Promise<HostTensors> {
  switch (loaded.card.task) {
    case 'classify': {
      const { card } = loaded as LoadedOf<'classify'>;
      return outputsOf(loaded as LoadedOf<'classify'>, classifierInput(image, card), engine);
    }
    case 'segment':
      return segmented(loaded as LoadedOf<'segment'>, format, engine, image);
    case 'detect': {
      const { card } = loaded as LoadedOf<'detect'>;
      return detected(loaded as LoadedOf<'detect'>, engine, detectorInput(image, card));
    }
    default:
      return loaded.card satisfies never;
  }
}

/** Outputs of the network itself. */
async function outputsOf(
  { model, store }: LoadedOf<'classify' | 'segment'>,
  image: HostTensor,
  engine: Engine,
): Promise<HostTensors> {
  const program = engine.prepare(model.inference, store);
  const { logits } = await program.run({ image });
  const copy = { shape: logits.shape, data: logits.data.slice() };
  await program.release();
  return { logits: copy };
}

async function segmented(
  { card, model, store }: LoadedOf<'segment'>,
  format: ExportFormat,
  engine: Engine,
  image: RgbImage,
): Promise<HostTensors> {
  const predictor = createSegmenterPredictor({ engine, model, store });
  const inputs = segmenterInputs(image, { ...card, ratios: [1] });
  const rows = await predictor.scores(inputs, image);
  const { width, height } = image;
  const found = format.argmax
    ? { labels: { shape: [1, height, width], data: labelsOf(rows) } }
    : { logits: inLayout(wholeMap(rows), format.layout) };
  await predictor.release();
  return found;
}

function wholeMap({ width, height, channels, row }: ScoreRows): FloatTensor {
  const data = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++) data.set(row(y), y * width * channels);
  return { shape: [1, height, width, channels], data };
}

async function detected(
  { card, model, store }: LoadedOf<'detect'>,
  engine: Engine,
  input: DetectorInput,
): Promise<HostTensors> {
  const { thresholds } = card;
  const predictor = new DetectorPredictor({ engine, model, store, thresholds });
  const { boxes, scores, classIndices } = await predictor.predict(input);
  const count = scores.length;
  const masks = await predictor.maskProbabilities(boxes, classIndices);
  await predictor.release();
  const S = 2 * (model.config.masks?.roiSize ?? 0);
  const own = {
    count: { shape: [1], data: Int32Array.of(count) },
    scores: { shape: [1, count], data: scores },
    classes: { shape: [1, count], data: classIndices },
    boxes: { shape: [1, count, 4], data: boxes },
  };
  return S > 0 ? { ...own, masks: { shape: [1, count, S, S], data: masks } } : own;
}

/** A random input of the network, of the model's own size where none is fixed. */
async function rawReference(
  loaded: LoadedModel,
  format: ExportFormat,
  engine: Engine,
): Promise<Reference> {
  const { card } = loaded;
  const size = { ...ownSize(card), ...definedSize(format) };
  const noise = noiseOf(size);
  const inputs = (more: HostTensors = {}): HostTensors => ({
    image: inLayout(repeated({ noise }, format.batch ?? 1)['noise'] as typeof noise, format.layout),
    ...more,
  });
  if (card.task === 'detect') {
    const geometry = { imageSize: size, originalSize: size, scale: { x: 1, y: 1 } };
    const sides = { shape: [1, 2], data: Float32Array.of(size.height, size.width) };
    const one = await detected(loaded as LoadedOf<'detect'>, engine, { ...noise, ...geometry });
    return {
      inputs: inputs(repeated({ image_size: sides }, format.batch ?? 1)),
      expected: repeated(one, format.batch ?? 1),
    };
  }
  const one = await outputsOf(loaded as LoadedOf<'classify' | 'segment'>, noise, engine);
  const { shape, data } = one['logits'];
  const values = { shape, data: data as Float32Array };
  const { channels, rows } = { channels: shape[3], rows: shape[1] };
  if (card.task === 'segment' && format.argmax) {
    const map = { height: rows, width: shape[2], channels };
    const data = labelsOf(mapRows(values.data, map));
    const labels = { shape: [1, map.height, map.width], data };
    return { inputs: inputs(), expected: repeated({ labels }, format.batch ?? 1) };
  }
  const logits = card.task === 'segment' ? inLayout(values, format.layout) : values;
  return { inputs: inputs(), expected: repeated({ logits }, format.batch ?? 1) };
}

/** Usual size of a network's input. */
function ownSize(card: LoadedModel['card']): Size {
  switch (card.task) {
    case 'classify':
      return { width: card.resize.inputSize, height: card.resize.inputSize };
    case 'segment':
      return { width: card.window.cropSize, height: card.window.cropSize };
    case 'detect':
      return paddedSize([{ width: card.limits.long, height: card.limits.short }], SIZE_DIVISOR_PX);
    default:
      return card satisfies never;
  }
}

const definedSize = ({ width, height }: ExportFormat): Partial<Size> =>
  Object.fromEntries(
    Object.entries({ width, height }).filter(([, side]) => side !== undefined),
  ) as Partial<Size>;

function noiseOf({ width, height }: Size): FloatTensor {
  const random = new Random(1);
  const data = Float32Array.from({ length: height * width * 3 }, () => random.normal());
  return { shape: [1, height, width, 3], data };
}
