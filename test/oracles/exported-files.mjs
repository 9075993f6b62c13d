// Exports small models of every architecture in every form to a folder, with pictures and what this library computes for
// them, for test/oracles/exported-files.py.
//
//     npm run build && node test/oracles/exported-files.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDenseBackbone } from '../../dist/backbone/output-norms.js';
import { Random } from '../../dist/core/random.js';
import { evaluationResize } from '../../dist/datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../dist/datasets/transforms/normalize.js';
import { ParameterStore } from '../../dist/engine/parameters/store.js';
import { openEngine } from '../../dist/engine/runtime/engine.js';
import { exportModel } from '../../dist/inference/export/export-model.js';
import { exportFormat } from '../../dist/inference/export/format.js';
import { halfPrecision } from '../../dist/inference/export/half-precision.js';
import { references } from '../../dist/inference/export/references.js';
import { CASCADE_MASK_RCNN } from '../../dist/models/cascade.js';
import { createClassifier } from '../../dist/models/classifier.js';
import { DETECTION_THRESHOLDS } from '../../dist/models/detection/config.js';
import { createDetector } from '../../dist/models/detector.js';
import { MASK_RCNN } from '../../dist/models/mask-rcnn.js';
import { createUperNet } from '../../dist/models/upernet.js';

const folder = process.argv[2];
if (!folder) throw new Error('usage: exported-files.mjs FOLDER');
mkdirSync(folder, { recursive: true });

const classNames = ['ant', 'bee', 'cat'];
const backboneOf = (version) => ({
  depths: [1, 1, 2, 1],
  dims: [4, 4, 8, 8],
  responseNorm: version === 1 ? 'none' : 'grn',
});
const small = (stages) =>
  stages.map((stage) => ({
    ...stage,
    layers: { ...stage.layers, numConvs: Math.min(stage.layers.numConvs, 1), fcChannels: 8 },
  }));
const detector = (version, config) => {
  const backbone = backboneOf(version);
  const settings = {
    ...{ ...config, numClasses: 3, channels: 8, stages: small(config.stages) },
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
const segmenter = (version) => {
  const backbone = backboneOf(version);
  const auxiliary = { channels: 4, weight: 0.4 };
  const head = { numClasses: 3, channels: 8, poolScales: [1, 2, 3, 6], auxiliary };
  return {
    model: createUperNet(createDenseBackbone(backbone), head),
    card: {
      ...{ task: 'segment', backbone, head, classNames, pixels: IMAGENET_PIXELS, ratios: [1] },
      ...{ limits: { long: 160, short: 96 }, window: { cropSize: 64, stride: 43 } },
    },
  };
};
const classifier = (version) => {
  const backbone = backboneOf(version);
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

/** Forms: every opset, one and three images, both layouts and types, both precisions. */
const FORMS = [
  ...[17, 18, 19, 20, 21].map((opset, i) => ({
    ...{ opset, precision: 'fp32' },
    ...(i % 2 === 0 ? {} : { layout: 'nchw', input: 'float', batch: 3 }),
  })),
  { opset: 20, precision: 'fp32', raw: true, height: 96, width: 128 },
  ...[17, 19, 21].map((opset) => ({ opset, precision: 'fp16' })),
];

const engine = await openEngine();
const manifest = [];
const write = (name, { shape, data }) => {
  const file = `${name}.bin`;
  writeFileSync(join(folder, file), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const type = { Float32Array: 'float32', Int32Array: 'int32', Uint8Array: 'uint8' };
  return { file, shape, type: type[data.constructor.name] };
};
for (const [architecture, { model, card }] of Object.entries(ARCHITECTURES)) {
  const loaded = { model, card, store: filled({ model }) };
  for (const { precision, ...options } of FORMS) {
    const format = exportFormat({ ...options, argmax: options.opset === 19 });
    const change = precision === 'fp16' ? halfPrecision : undefined;
    const { bytes } = exportModel({ loaded, format, precision: { name: precision, change } });
    const name = [architecture, precision, ...Object.values(options)].join('_');
    writeFileSync(join(folder, `${name}.onnx`), bytes);
    const runs = (await references(loaded, format, engine)).map(({ inputs, expected }, r) => {
      const written = (kind, tensors) =>
        Object.fromEntries(
          Object.entries(tensors).map(([key, tensor]) => [
            key,
            write(`${name}_${r}_${kind}_${key}`, tensor),
          ]),
        );
      return { inputs: written('in', inputs), expected: written('out', expected) };
    });
    manifest.push({ name, architecture, task: card.task, precision, ...options, runs });
  }
  console.log(architecture);
}
writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
