import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { fcmaeConfig } from '../../backbone/fcmae.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { encodePartialResult } from '../../evaluation/partial-result.js';
import { readModelConfig } from '../../io/model-config/read.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { UPERNET } from '../../models/upernet.js';
import { imagesOfJson } from '../../serve/json-images.js';
import { scoreImagenet } from '../../tools/score/imagenet.js';
import { CHECKPOINT_FORMAT, checkpointGroup } from '../../weights/checkpoint-layout.js';
import { readRecord } from '../../weights/record.js';
import { partFile, safetensorsFile, withPngChecksums, withZipChecksums } from './frames.js';
import { rleFromString } from '../../core/rle-string.js';
import { rleOfSegmentation } from '../../core/coco.js';
import { readCvatTables } from '../../datasets/annotations/cvat.js';
import { readInstanceMasks } from '../../datasets/annotations/masks.js';
import { readClassList } from '../../datasets/class-list.js';
import { readLabelFile } from '../../datasets/imagenet-labels.js';
import { readLabelTable } from '../../datasets/layout/label-table.js';
import { yamlLayout } from '../../datasets/layout/yaml.js';
import { readLabelMap } from '../../datasets/png-label-map.js';
import { readClassNames } from '../../datasets/class-names.js';
import { readCard } from '../../inference/read-card.js';
import { decodeBmp } from '../../io/bmp/decode.js';
import { readAnnotations } from '../../io/coco/annotations.js';
import { readResults } from '../../io/coco/results.js';
import { readCsvBoxes } from '../../io/csv/boxes.js';
import { decodeText } from '../../io/files/text.js';
import { decodeImage } from '../../io/image/decode.js';
import { readImageHeader } from '../../io/image-header/read.js';
import { embeddedImage, readLabelMe } from '../../io/labelme/read.js';
import { encodeIndexedPng } from '../../io/png/indexed.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { readVia } from '../../io/via/read.js';
import { readVocFile } from '../../io/voc/read.js';
import { readYaml } from '../../io/yaml/read.js';
import { checkYoloYaml } from '../../io/yolo/data-yaml.js';
import { readYoloLabels } from '../../io/yolo/labels.js';
import { writeReport } from '../../report/run-report.js';
import { resolveConfig } from '../../train/config/resolve.js';
import { readRunConfig } from '../../train/config/run-config.js';
import { readBest } from '../../weights/checkpoint-folder.js';
import { saveCheckpoint, readCheckpointJson } from '../../weights/checkpoint.js';
import { openWeights } from '../../weights/open.js';
import { FIXTURES } from '../helpers/fixtures.js';
import { TEXTS, runFiles } from './corpus.js';

/** A reader under test. */
export interface Fuzzed {
  readonly name: string;
  /** Valid inputs. */
  readonly corpus: readonly Uint8Array[];
  /** Name of the file that an input is written to. */
  readonly file: string;
  /** Reads the input; may throw an InputError, and nothing else. */
  readonly read: (file: string, bytes: Uint8Array) => unknown;
  /** Makes lengths and checksums of a damaged input right, so that the damage is read. */
  readonly sealed?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Documents whose values are changed; default: those of a corpus in JSON or YAML. */
  readonly documents?: readonly unknown[];
  /** File of a changed document; default: its text. */
  readonly framed?: (text: string) => Uint8Array;
}

/** Tables of classes by file name. */
const TABLES = {
  'labelmap.txt': '# label:color_rgb:parts:actions\nsky:0,0,0::\ncat:1,1,1:a,b:\n',
  'label_colors.txt': '64 128 64\tAnimal\n192 0 128 Arch way\n',
  'class_dict.csv': 'name,r,g,b\nsky,0,0,0\n"cat, big",1,1,1\n',
  '_classes.csv': 'Pixel Value, Class\n0, sky\n1, cat\n',
};

/** A part of an evaluation, and its header. */
const PART = encodePartialResult(new ClassificationEvaluator(2).toPartialResult());
const PART_START = 12 + new DataView(PART.buffer).getUint32(8, true);
const PART_HEADER: unknown = JSON.parse(Buffer.from(PART.subarray(12, PART_START)).toString());

const LAYOUTS = { a: 'linear', b: 'conv', c: 'vector' };
/** A checkpoint with these layouts. */
function layoutFile(layouts: string): Uint8Array {
  const tensors = {
    __metadata__: { format: CHECKPOINT_FORMAT, layouts },
    'weights.a': { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
    'weights.b': { dtype: 'F32', shape: [1, 1, 1, 2], data_offsets: [16, 24] },
    'weights.c': { dtype: 'F32', shape: [1], data_offsets: [24, 28] },
  };
  return safetensorsFile(JSON.stringify(tensors), 28);
}

const small = (name: string): Uint8Array => readFileSync(join(FIXTURES, 'small', name));
const bytes = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => Buffer.from(text));

/** Readers with files in a folder of their own. */
export async function parsers(root: string): Promise<readonly Fuzzed[]> {
  const run = join(root, 'run');
  mkdirSync(join(run, 'samples'), { recursive: true });
  for (const [name, content] of Object.entries(runFiles())) writeFileSync(join(run, name), content);
  const checkpoints = await checkpointJsons(join(root, 'checkpoint'));
  const model = join(root, 'model');
  mkdirSync(model);
  mkdirSync(join(root, 'masks'));
  for (const name of Object.keys(TABLES))
    mkdirSync(join(root, 'tables', name), { recursive: true });
  writeFileSync(join(root, 'a.png'), labels()[0]);
  const piece = safetensorsFile(JSON.stringify(TENSORS), 25);
  writeFileSync(join(model, 'model-1.safetensors'), piece);
  writeFileSync(join(model, 'config.json'), TEXTS.model[0]);
  const mapping = { numClasses: 3, reduceZeroLabel: false };
  const all: readonly Fuzzed[] = [
    {
      name: 'COCO annotations',
      corpus: bytes(TEXTS.coco),
      file: 'coco.json',
      read: (file) => readAnnotations(file, () => undefined),
    },
    {
      name: 'COCO results',
      corpus: bytes(TEXTS.results),
      file: 'results.json',
      read: (file) =>
        readResults(file, {
          fields: () => ['bbox', 'segmentation', 'keypoints'],
          report: () => undefined,
          record: ({ segmentation }) => {
            if (segmentation) rleOfSegmentation(segmentation, 40, 30);
          },
        }),
    },
    {
      name: 'run lengths',
      corpus: bytes('T3X6Tl0', '0`U1', 'U13U1000cP1'),
      file: 'rle',
      read: (_, input) => rleFromString(input, 40, 30),
    },
    {
      name: 'image headers',
      corpus: await images(),
      file: 'image',
      sealed: withPngChecksums,
      read: (file, input) => readImageHeader(input, file),
    },
    {
      name: 'images',
      corpus: await images(),
      file: 'image',
      sealed: withPngChecksums,
      read: (file) => decodeImage(file),
    },
    {
      name: 'label maps',
      corpus: labels(),
      file: 'label.png',
      sealed: withPngChecksums,
      read: (file) => readLabelMap(file, mapping),
    },
    {
      name: 'safetensors',
      corpus: [safetensorsFile(JSON.stringify(TENSORS), 25)],
      file: 'w.safetensors',
      documents: [TENSORS],
      framed: (text) => safetensorsFile(text, 25),
      read: readTensors,
    },
    {
      name: 'torch, zip',
      corpus: [small('pth_training.pth')],
      file: 'w.pth',
      sealed: withZipChecksums,
      read: readTensors,
    },
    {
      name: 'torch, legacy',
      corpus: [small('pth_training_legacy.pth')],
      file: 'w.pt',
      read: readTensors,
    },
    ...['arrays.npz', 'dict.npy', 'protocol2.pkl', 'protocol5.pkl', 'scripted.pt'].map((name) => ({
      name: `weights, ${name}`,
      corpus: [readFileSync(join(import.meta.dirname, '../fixtures/published/containers', name))],
      file: name,
      read: readTensors,
    })),
    { name: 'data.yaml', corpus: bytes(...TEXTS.dataYaml), file: 'data.yaml', read: yamlLayout },
    {
      name: 'data.yaml of YOLO',
      corpus: bytes(
        'path: ../set\ntrain: images/train\nval: [a, b]\nnc: 2\nnames: {0: cat, 1: dog}\n',
        'train: ../train/images\nval: val.txt\nnames: [cat, dog]\n',
      ),
      file: 'yolo.yaml',
      read: (file) => checkYoloYaml(readYaml(file), file),
    },
    ...Object.entries(TABLES).map(([name, text]) => ({
      name: `color table ${name}`,
      corpus: bytes(text),
      file: join('tables', name, name),
      read: (file: string) => readLabelTable(dirname(file)),
    })),
    { name: 'BMP', corpus: [bmp()], file: 'a.bmp', read: (_, input) => decodeBmp(input, 'a.bmp') },
    {
      name: 'instance masks',
      corpus: labels(),
      file: join('masks', 'a.png'),
      sealed: withPngChecksums,
      read: () =>
        readInstanceMasks({ annotations: join(root, 'masks'), images: root }, () => undefined),
    },
    {
      name: 'configurations',
      corpus: bytes(...TEXTS.config),
      file: 'config.yaml',
      read: (file) => resolveConfig(file, { set: [] }),
    },
    {
      name: 'class lists',
      corpus: bytes('["a","b"]', '[{"index":0,"wnid":"n1","name":"x"}]', '{"0":["n1","x"]}'),
      file: 'classes.json',
      read: readClassList,
    },
    {
      name: 'class names',
      corpus: bytes('cat\ndog\nthe third\n'),
      file: 'classes.txt',
      read: readClassNames,
    },
    {
      name: 'image labels',
      corpus: bytes('a.jpg 0\nb.jpg n01440764\n', 'a.jpg\tcat\t1 2 3 4\n'),
      file: 'labels.txt',
      read: readLabelFile,
    },
    {
      name: 'Pascal VOC',
      corpus: bytes(TEXTS.voc),
      file: 'a.xml',
      read: (file, input) => readVocFile(input, file),
    },
    {
      name: 'CVAT',
      corpus: bytes(TEXTS.cvat),
      file: 'annotations.xml',
      read: (file) => readCvatTables({ annotations: file, images: root }, () => undefined),
    },
    {
      name: 'YOLO labels',
      corpus: bytes('0 0.5 0.5 0.1 0.1\n1 0.1 0.1 0.2 0.1 0.2 0.2\n'),
      file: 'a.txt',
      read: (file, input) => readYoloLabels(decodeText(input, file, 'labels')),
    },
    {
      name: 'LabelMe',
      corpus: bytes(TEXTS.labelme),
      file: 'a.json',
      read: (file, input) => embeddedImage(readLabelMe(input, file), file),
    },
    {
      name: 'VIA',
      corpus: bytes(...TEXTS.via),
      file: 'via.json',
      read: (file, input) => readVia(input, file),
    },
    {
      name: 'CSV of boxes',
      corpus: bytes(...TEXTS.csv),
      file: 'boxes.csv',
      read: (file, input) => readCsvBoxes(input, file),
    },
    {
      name: 'checkpoint',
      corpus: checkpoints,
      file: 'step-1.json',
      read: async (file) => {
        const { state } = await readCheckpointJson(file);
        return readCard(file, state);
      },
    },
    {
      name: 'mark of the best checkpoint',
      corpus: bytes('{"name": "step-00000001", "metric": "mIoU", "value": 0.5, "which": "ema"}'),
      file: 'best.json',
      read: () => readBest(root),
    },
    {
      name: 'configuration of a model',
      corpus: bytes(...TEXTS.model),
      file: join('model', 'config.json'),
      read: () => readModelConfig(join(model, 'model-1.safetensors')),
    },
    {
      name: 'preprocessing of a model',
      corpus: bytes(...TEXTS.preprocessor),
      file: join('model', 'preprocessor_config.json'),
      read: () => readModelConfig(join(model, 'model-1.safetensors')),
    },
    {
      name: 'index of pieces',
      corpus: bytes(TEXTS.pieces),
      file: join('model', 'model.safetensors.index.json'),
      read: readTensors,
    },
    {
      name: 'record of a weight file',
      corpus: bytes(TEXTS.record),
      file: 'w.safetensors.json',
      read: () => readRecord(join(root, 'w.safetensors')),
    },
    {
      name: 'layouts of a checkpoint',
      corpus: [layoutFile(JSON.stringify(LAYOUTS))],
      file: 'layouts.safetensors',
      documents: [LAYOUTS],
      framed: layoutFile,
      read: async (file) => {
        const source = await openWeights(file);
        try {
          for (const tensor of checkpointGroup(source, 'weights').values()) await tensor.read();
        } finally {
          await source.close();
        }
      },
    },
    {
      name: 'part of an evaluation',
      corpus: [PART],
      file: 'a.part',
      documents: [PART_HEADER],
      framed: (text) => partFile(text, PART.length - PART_START),
      read: (file) => scoreImagenet({ dt: [], parts: [file] }),
    },
    {
      name: 'classification results',
      corpus: bytes(...TEXTS.predictions),
      file: 'predictions.jsonl',
      read: (file) => scoreImagenet({ dt: [file], parts: [], numClasses: 2 }),
    },
    {
      name: 'labels of classification results',
      corpus: bytes('{"a.jpg":0,"b.jpg":1}', '[{"file":"a.jpg","label":0}]', 'a.jpg 1\n'),
      file: 'truth.json',
      read: (file) => scoreImagenet({ dt: [], parts: [], gt: file, numClasses: 4 }),
    },
    {
      name: 'body of a request',
      corpus: bytes('{"image":"AAEC"}', '{"images":["AAEC",{"data":"AAEC","name":"x"}]}'),
      file: 'body.json',
      read: (_, input) => imagesOfJson(input, 16),
    },
    ...Object.keys(runFiles()).map((name) => ({
      name: `run folder, ${name}`,
      corpus: bytes(runFiles()[name]),
      file: join('run', name),
      read: () => {
        try {
          readRunConfig(run);
        } finally {
          writeReport(run);
        }
      },
    })),
  ];
  return all.map((fuzzed) => ({ ...fuzzed, file: join(root, fuzzed.file) }));
}

async function images(): Promise<readonly Uint8Array[]> {
  const raw = { width: 17, height: 9, channels: 3 } as const;
  const picture = (): Sharp => sharp(Buffer.alloc(17 * 9 * 3, 90), { raw });
  const formats = ['webp', 'tiff', 'gif', 'avif'] as const;
  const made = await Promise.all(formats.map((format) => picture().toFormat(format).toBuffer()));
  const jpegs = ['q90_420', 'q80_gray', 'q90_420_exif6', 'q90_420_progressive'];
  return [
    ...jpegs.map((name) => small(`preprocess_${name}.jpg`)),
    await picture().png().toBuffer(),
    bmp(),
    ...made,
  ];
}

const TENSORS = {
  __metadata__: { format: 'pt' },
  'a.weight': { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
  'a.bias': { dtype: 'I64', shape: [1], data_offsets: [16, 24] },
  b: { dtype: 'BOOL', shape: [], data_offsets: [24, 25] },
};

/** A BMP of 3 x 2 pixels, 24 bits. */
function bmp(): Uint8Array {
  const header = Buffer.alloc(54);
  header.write('BM');
  for (const [at, value] of [
    [2, 78],
    [10, 54],
    [14, 40],
    [18, 3],
    [22, 2],
  ])
    header.writeUInt32LE(value, at);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, Buffer.alloc(24, 77)]);
}

function labels(): readonly Uint8Array[] {
  const data = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i % 7 === 0 ? 255 : i % 3));
  const map = { width: 64, height: 48, data };
  return [
    encodeLabelPng(map),
    encodeIndexedPng(
      map,
      Uint8Array.from({ length: 9 }, (_, i) => i),
    ),
  ];
}

/** Checkpoints of a classifier, a detector, a segmenter and an autoencoder. */
async function checkpointJsons(folder: string): Promise<readonly Uint8Array[]> {
  const backbone = { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], responseNorm: 'grn' };
  const pixels = { mean: [1, 2, 3], std: [1, 1, 1] };
  const classNames = ['a', 'b'];
  const limits = { long: 64, short: 64 };
  const resize = { inputSize: 32, cropFraction: 0.875, mode: 'crop', filter: 'bicubic' };
  const cards = [
    { task: 'classify', backbone, classNames, pixels, resize },
    {
      ...{ task: 'detect', backbone, classNames, pixels, limits, categoryIds: [1, 2] },
      detector: { ...MASK_RCNN, numClasses: 2 },
      thresholds: DETECTION_THRESHOLDS,
    },
    {
      ...{ task: 'segment', backbone, classNames, pixels, limits, ratios: [1] },
      head: { ...UPERNET, numClasses: 2 },
      window: { cropSize: 64, stride: 43 },
    },
    { task: 'pretrain', fcmae: fcmaeConfig(backbone as never), pixels, resize },
  ];
  return Promise.all(
    cards.map(async (card, i) => {
      const state = { card, config: { lr: 1 }, seed: 1, bestValue: null };
      await saveCheckpoint(join(folder, `${i}`), 'step-1', { step: 1, groups: {}, state });
      return readFileSync(join(folder, `${i}`, 'step-1.json'));
    }),
  );
}

async function readTensors(file: string): Promise<void> {
  const source = await openWeights(file);
  try {
    for (const tensor of source.tensors.values()) await tensor.read();
  } finally {
    await source.close();
  }
}
