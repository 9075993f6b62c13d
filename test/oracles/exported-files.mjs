// Exports small models of every architecture in every form to a folder, with pictures and what this library computes for
// them, for exported-files.py and exported-files-web.mjs. Of int8, what onnxruntime-node computes from the file.
//
//     npm run build && node test/oracles/exported-files.mjs FOLDER [ARCHITECTURE]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDenseBackbone } from '../../dist/backbone/output-norms.js';
import { Random } from '../../dist/core/random.js';
import { evaluationResize } from '../../dist/datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../dist/datasets/transforms/normalize.js';
import { ParameterStore } from '../../dist/engine/parameters/store.js';
import { openEngine } from '../../dist/engine/runtime/engine.js';
import { calibrated } from '../../dist/inference/export/calibrate.js';
import { openFile } from '../../dist/inference/export/compare.js';
import { exportModel } from '../../dist/inference/export/export-model.js';
import { exportFormat } from '../../dist/inference/export/format.js';
import { halfPrecision } from '../../dist/inference/export/half-precision.js';
import { references } from '../../dist/inference/export/references.js';
import { encodeRgbPng } from '../../dist/io/png/write.js';
import { CASCADE_MASK_RCNN } from '../../dist/models/cascade.js';
import { createClassifier } from '../../dist/models/classifier.js';
import { DETECTION_THRESHOLDS } from '../../dist/models/detection/config.js';
import { createDetector } from '../../dist/models/detector.js';
import { MASK_RCNN } from '../../dist/models/mask-rcnn.js';
import { createUperNet } from '../../dist/models/upernet.js';

const [folder, only] = process.argv.slice(2);
if (!folder) throw new Error('usage: exported-files.mjs FOLDER [ARCHITECTURE]');
mkdirSync(folder, { recursive: true });

const classNames = ['ant', 'bee', 'cat'];
/** Small sizes, and some that are wide enough for products on bytes. */
const SMALL = { dims: [4, 4, 8, 8], channels: 8 };
const WIDE = { dims: [32, 48, 64, 96], channels: 32 };
const backboneOf = (version, { dims }) => ({
  depths: [1, 1, 2, 1],
  dims,
  responseNorm: version === 1 ? 'none' : 'grn',
});
const small = (stages, fcChannels) =>
  stages.map((stage) => ({
    ...stage,
    layers: { ...stage.layers, numConvs: Math.min(stage.layers.numConvs, 1), fcChannels },
  }));
const detector = (version, config) => (size) => {
  const backbone = backboneOf(version, size);
  const { channels } = size;
  const settings = {
    ...{ ...config, numClasses: 3, channels, stages: small(config.stages, channels) },
    masks: { roiSize: 14, numConvs: 1 },
  };
  const thresholds = { ...DETECTION_THRESHOLDS, scoreThreshold: 0.2, maxPerImage: 20 };
  return {
    model: createDetector(createDenseBackbone(backbone), settings),
    card: {
      ...{ task: 'detect', backbone, detector: settings, classNames, categoryIds: [1, 2, 3] },
      ...{ pixels: IMAGENET_PIXELS, limits: { long: 160, short: 96 }, thresholds },
    },
  };
};
const segmenter = (version) => (size) => {
  const backbone = backboneOf(version, size);
  const auxiliary = { channels: 4, weight: 0.4 };
  const head = { numClasses: 3, channels: size.channels, poolScales: [1, 2, 3, 6], auxiliary };
  return {
    model: createUperNet(createDenseBackbone(backbone), head),
    card: {
      ...{ task: 'segment', backbone, head, classNames, pixels: IMAGENET_PIXELS, ratios: [1] },
      ...{ limits: { long: 160, short: 96 }, window: { cropSize: 64, stride: 43 } },
    },
  };
};
const classifier = (version) => (size) => {
  const backbone = backboneOf(version, size);
  return {
    model: createClassifier({ backbone, classes: 3, headInitScale: 1 }),
    card: {
      ...{ task: 'classify', backbone, classNames, pixels: IMAGENET_PIXELS },
      resize: evaluationResize(64),
    },
  };
};
const ARCHITECTURES = {
  'classifier-v1': classifier(1),
  'classifier-v2': classifier(2),
  'upernet-v1': segmenter(1),
  'upernet-v2': segmenter(2),
  'mask-rcnn-v1': detector(1, MASK_RCNN),
  'mask-rcnn-v2': detector(2, MASK_RCNN),
  'cascade-v1': detector(1, CASCADE_MASK_RCNN),
};

function filled({ model }) {
  const store = new ParameterStore(model.specs);
  const random = new Random(5);
  for (const { path } of store.entries) {
    const isScale = /running_var|norm.*weight|bn\.weight/.test(path);
    const values = store.get(path);
    values.forEach(
      (_, i) => (values[i] = isScale ? random.between(0.5, 1.5) : random.between(-0.2, 0.2)),
    );
  }
  return store;
}

/** Forms: every opset, one and three images, both layouts and types, all precisions. */
const FORMS = [
  ...[17, 18, 19, 20, 21].map((opset, i) => ({
    ...{ opset, precision: 'fp32' },
    ...(i % 2 === 0 ? {} : { layout: 'nchw', input: 'float', batch: 3 }),
  })),
  { opset: 20, precision: 'fp32', raw: true, height: 96, width: 128 },
  ...['fp16', 'int8'].flatMap((precision) =>
    [17, 18, 19, 20, 21].map((opset) => ({
      ...{ opset, precision },
      ...(opset === 18 ? { layout: 'nchw', input: 'float', batch: 3 } : {}),
    })),
  ),
];

const engine = await openEngine();
const MANIFEST = join(folder, 'manifest.json');
const manifest = existsSync(MANIFEST)
  ? JSON.parse(readFileSync(MANIFEST, 'utf8')).filter(
      (entry) => only !== undefined && entry.architecture !== only,
    )
  : [];
const write = (name, { shape, data }) => {
  const file = `${name}.bin`;
  writeFileSync(join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const type = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'uint8' };
  return { file, shape, type: type[data.constructor.name] };
};
const pictures = join(folder, 'pictures');
mkdirSync(pictures, { recursive: true });
for (const seed of [1, 2, 3]) {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: 3 * 97 * 64 }, () => random.integer(256));
  writeFileSync(join(pictures, `${seed}.png`), encodeRgbPng({ width: 97, height: 64, data }));
}
/** Outputs of a file in onnxruntime-node: other runtimes have to give the same. */
async function outputsOf(bytes, inputs) {
  const file = await openFile(bytes);
  const outputs = await file.run(inputs);
  await file.release();
  return outputs;
}
for (const [architecture, create] of Object.entries(ARCHITECTURES)) {
  if (only && architecture !== only) continue;
  const [small, wide] = [SMALL, WIDE].map((size) => {
    const { model, card } = create(size);
    return { model, card, store: filled({ model }) };
  });
  const { card } = small;
  /** Pictures and what the model in single precision computes, by the form of the input. */
  const known = new Map();
  const referencesOf = async (options) => {
    const format = { ...options, opset: undefined };
    const key = JSON.stringify(format);
    if (!known.has(key)) known.set(key, await references(small, format, engine));
    return known.get(key);
  };
  for (const { precision, ...options } of FORMS) {
    const isBytes = precision === 'int8';
    const loaded = isBytes ? wide : small;
    const format = exportFormat({ ...options, argmax: options.opset === 19 && !isBytes });
    const change = isBytes
      ? await calibrated(loaded, format, pictures)
      : precision === 'fp16'
        ? halfPrecision
        : undefined;
    const { bytes } = exportModel({ loaded, format, precision: { name: precision, change } });
    const name = [architecture, precision, ...Object.values(options)].join('_');
    writeFileSync(join(folder, `${name}.onnx`), bytes);
    const runs = [];
    for (const [r, { inputs, expected }] of (await referencesOf(format)).entries()) {
      const wanted = isBytes ? await outputsOf(bytes, inputs) : expected;
      const written = (kind, tensors) =>
        Object.fromEntries(
          Object.entries(tensors).map(([key, tensor]) => [
            key,
            write(`${name}_${r}_${kind}_${key}`, tensor),
          ]),
        );
      runs.push({ inputs: written('in', inputs), expected: written('out', wanted) });
    }
    manifest.push({ name, architecture, task: card.task, precision, ...options, runs });
    writeFileSync(MANIFEST, JSON.stringify(manifest));
  }
  console.log(architecture);
}
