import { ADE20K_CLASSES, areAde20k } from '../../datasets/classes/ade20k.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import { canonicalOrOwnNames } from '../../weights/canonical.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';
import { adaptClassLayers, statedClassNames, type ClassRows } from '../class-layers.js';
import { loadBackbone } from '../state-dict.js';
import { readableAuxiliary } from './architecture.js';

/** Names that only a UPerNet has; of other segmenters the backbone is taken. */
const HEAD_NAME = /^decode_head\.psp_modules\./;
/** Layers of a segmenter with a row for every class. */
const CLASS_LAYERS: readonly ClassRows[] = [
  { pattern: /^(decode_head|auxiliary_head)\.conv_seg\./, perClass: 1, extra: 0 },
];

/**
 * Initializes a new segmenter from a file with a whole segmenter, or, for the backbone, with an encoder or classifier of
 * any naming scheme. Class layers are taken over by the names of the classes, see {@link adaptClassLayers}; an auxiliary
 * head that the file lacks or has in another width is new, and so are all heads if the decode head has another width.
 *
 * @param classNames of the new segmenter, by class index
 * @param which choice between weights and their EMA
 * @returns a line that says what was taken over
 * @throws WeightsError if the file does not fit; then nothing is written
 */
export async function startSegmenter(
  file: string,
  store: ParameterStore,
  classNames: readonly string[],
  which?: Which,
): Promise<string> {
  const shapeOf = (path: string): readonly number[] =>
    store.entries.find((entry) => entry.path === path)?.spec.shape ?? [];
  const channels = shapeOf('decode_head.conv_seg.weight').at(-2);
  let otherWidth = '';
  const line = await withWeights(file, async (source) => {
    const inFile = canonicalOrOwnNames(source, which);
    if (![...inFile.keys()].some((name) => HEAD_NAME.test(name))) return undefined;
    const width = inFile.get('decode_head.conv_seg.weight')?.shape[1];
    if (width !== channels) {
      otherWidth = `, of ${channels} channels where the file has ${width} (--set head.channels=${width} takes them over)`;
      return undefined;
    }
    const auxiliary = shapeOf('auxiliary_head.convs.0.conv.weight').at(-1);
    const hasAuxiliary = auxiliary !== undefined && readableAuxiliary(inFile) === auxiliary;
    const rows = inFile.get('decode_head.conv_seg.bias')?.shape[0];
    const stated = await statedClassNames(source);
    const isAde20k = rows === ADE20K_CLASSES.length && (!stated || areAde20k(stated));
    const names = isAde20k ? ADE20K_CLASSES : stated;
    const adapted = adaptClassLayers(inFile, CLASS_LAYERS, { file: names, model: classNames });
    const targets = parameterTargets(store).filter(
      ({ path }) => !adapted.isNew(path) && (hasAuxiliary || !path.startsWith('auxiliary_head.')),
    );
    const tensors = new Map(
      [...adapted.tensors].filter(([name]) => hasAuxiliary || !name.startsWith('auxiliary_head.')),
    );
    await loadTensors(file, tensors, targets);
    return `${file}: ${adapted.line}${hasAuxiliary ? '' : '; the auxiliary head is new'}`;
  });
  if (line !== undefined) return line;
  await loadBackbone(file, store, which);
  return `${file}: backbone taken over; the heads are new${otherWidth}`;
}
