import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fcmaeConfig } from '../../backbone/fcmae.js';
import { readModelConfig } from '../../io/model-config/read.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';
import { UPERNET } from '../../models/upernet.js';
import { CHECKPOINT_FORMAT, checkpointGroup } from '../../weights/checkpoint-layout.js';
import { readRecord } from '../../weights/record.js';
import { safetensorsFile, withZipChecksums } from './frames.js';
import { readCard } from '../../inference/read-card.js';
import { readBest } from '../../weights/checkpoint-folder.js';
import { saveCheckpoint, readCheckpointJson } from '../../weights/checkpoint.js';
import { openWeights } from '../../weights/open.js';
import { TEXTS } from './corpus.js';
import { bytes, small, type Fuzzed } from './fuzzed.js';

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

const TENSORS = {
  __metadata__: { format: 'pt' },
  'a.weight': { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
  'a.bias': { dtype: 'I64', shape: [1], data_offsets: [16, 24] },
  b: { dtype: 'BOOL', shape: [], data_offsets: [24, 25] },
};

/** Readers of weights and checkpoints, with files in a folder of their own. */
export async function weightParsers(root: string): Promise<readonly Fuzzed[]> {
  const checkpoints = await checkpointJsons(join(root, 'checkpoint'));
  const model = join(root, 'model');
  mkdirSync(model);
  const piece = safetensorsFile(JSON.stringify(TENSORS), 25);
  writeFileSync(join(model, 'model-1.safetensors'), piece);
  writeFileSync(join(model, 'config.json'), TEXTS.model[0]);
  return [
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
      task: 'detect',
      backbone,
      classNames,
      pixels,
      limits,
      categoryIds: [1, 2],
      detector: { ...MASK_RCNN, numClasses: 2 },
      thresholds: DETECTION_THRESHOLDS,
    },
    {
      task: 'segment',
      backbone,
      classNames,
      pixels,
      limits,
      ratios: [1],
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
