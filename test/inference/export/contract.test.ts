import { expect, test } from 'vitest';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';
import { exportContract } from '../../../inference/export/contract.js';
import { exportFormat } from '../../../inference/export/format.js';
import type { LoadedModel } from '../../../inference/model.js';
import { DETECTION_THRESHOLDS } from '../../../models/detection/config.js';

test.each([
  ['classify', false, 'and not turned even if their EXIF data say so'],
  ['detect', false, 'and turned upright as their EXIF data say so'],
  ['segment', true, 'and turned upright as their EXIF data say so'],
] as const)('%s, raw %s: the file says whether photos are turned', (task, raw, meaning) => {
  const common = { classNames: ['ant'], pixels: IMAGENET_PIXELS };
  const cards = {
    classify: { task, ...common, resize: evaluationResize(64) },
    detect: { task, ...common, thresholds: DETECTION_THRESHOLDS, categoryIds: [1] },
    segment: { task, ...common, range: [100, 4000] },
  };
  const card = {
    limits: { long: 96, short: 64 },
    ...cards[task],
  } as unknown as LoadedModel['card'];
  const image = { name: 'image', type: 'uint8', shape: [-1, -1, -1, 3] } as const;
  const graph = { inputs: [image], outputs: [] } as unknown as OnnxGraph;
  const contract = exportContract(graph, {
    card,
    format: exportFormat({ raw }),
    precision: 'fp32',
  });
  expect(contract.inputs[0].meaning).toContain(meaning);
  expect(contract.inputs[0].meaning.includes('255 · (v − 100) / (4000 − 100)')).toBe(
    task === 'segment',
  );
});
