import type { OnnxGraph } from '../../engine/onnx/graph.js';
import type { LoadedOf } from '../model.js';
import type { ExportFormat } from './format.js';
import { GraphComposer } from './graph-composer.js';
import type { NetworkParts } from './network-parts.js';
import { normalizeNodes, pictureInput, type Picture } from './picture-nodes.js';
import { inputsOf, placeNetwork } from './portable-graph.js';
import { resizePilNodes } from './resize-pil-nodes.js';

/** Resizes, crops and normalizes images, see `classifierInput`. */
function square(
  g: GraphComposer,
  { image, size }: Picture,
  { resize, pixels }: LoadedOf<'classify'>['card'],
): Pick<Picture, 'image' | 'size'> {
  const side = g.integers([resize.inputSize]);
  return {
    image: normalizeNodes(g, resizePilNodes(g, image, size, resize), pixels),
    size: { height: side, width: side },
  };
}

/**
 * Builds a classifier with its preprocessing.
 *
 * Input `image` `[N, H, W, 3]`; outputs `logits` `[N, K]` and `probabilities`, their softmax.
 */
export function classifierGraph(
  { card, model }: LoadedOf<'classify'>,
  format: ExportFormat,
  parts: NetworkParts,
): OnnxGraph {
  const g = new GraphComposer();
  const picture = pictureInput(g, format);
  const { image, size } = format.raw ? picture : square(g, picture, card);
  const { logits } = placeNetwork(g, parts.network('network', model.inference, inputsOf(card)), {
    prefix: 'network',
    inputs: { image },
    sizes: { batch: picture.batch, ...size },
  });
  const shape = { shape: [format.batch ?? -1, card.classNames.length], axes: ['batch'] };
  const probabilities = g.op('Softmax', [logits], { axis: { kind: 'int', value: 1 } });
  return g.finish('classifier', [
    { name: 'logits', type: 'float32', ...shape, from: logits },
    { name: 'probabilities', type: 'float32', ...shape, from: probabilities },
  ]);
}
