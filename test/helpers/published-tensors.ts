import { createDenseBackbone } from '../../backbone/output-norms.js';
import { listSpecs } from '../../engine/parameters/spec.js';
import { publishedCard } from '../../inference/published.js';
import { createDetector } from '../../models/detector.js';
import { createUperNet } from '../../models/upernet.js';
import type { CatalogEntry } from '../../weights/catalog.js';
import { torchShape } from '../../weights/layout.js';

/**
 * Names and PyTorch shapes of the tensors in a published detector or segmenter: a ConvNeXt V1, which has LayerScale in
 * place of the response norm, with the counters of its batch norms; fully connected layers of RoI heads are matrices.
 */
export function publishedTensors(entry: CatalogEntry): Map<string, readonly number[]> {
  const card = publishedCard(entry);
  if (card.task === 'classify') throw new Error(`${entry.name} is a classifier`);
  const backbone = createDenseBackbone(card.backbone);
  const { specs } =
    card.task === 'detect'
      ? createDetector(backbone, card.detector)
      : createUperNet(backbone, card.head);
  const tensors = new Map<string, readonly number[]>();
  for (const [path, { shape, layout }] of listSpecs(specs)) {
    const torch = torchShape(shape, layout);
    const block = /^(backbone\.stages\.\d+\.\d+)\.grn\.(gamma|beta)$/.exec(path);
    if (block) tensors.set(`${block[1]}.gamma`, [shape[0] / 4]);
    else if (path.endsWith('shared_fcs.0.weight'))
      tensors.set(path, [torch[0], torch.slice(1).reduce((a, b) => a * b, 1)]);
    else tensors.set(path, torch);
    if (path.endsWith('.running_var'))
      tensors.set(path.replace('running_var', 'num_batches_tracked'), []);
  }
  return tensors;
}
