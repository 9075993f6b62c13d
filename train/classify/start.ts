import type { ParameterStore } from '../../engine/parameters/store.js';
import {
  adaptClassLayers,
  statedClassNames,
  type ClassRows,
} from '../../inference/class-layers.js';
import { canonicalEncoder } from '../../weights/canonical.js';
import { loadTensors, parameterTargets } from '../../weights/load.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';

/** Names of scale and shift of GRN. */
const isResponse = (name: string): boolean => name.includes('.grn.');

/** The layer of a classifier with a row for every class. */
const CLASS_LAYERS: readonly ClassRows[] = [
  { pattern: /^head\.(weight|bias)$/, perClass: 1, extra: 0 },
];

/** Options of {@link loadStart}. */
interface StartOptions {
  /**
   * Whether GRN may differ: if only the file has it, it is dropped; if only the model has it, it keeps its initial values.
   */
  readonly adaptsResponseNorm?: boolean | undefined;
  /** Class names of the model; default: the head is new. */
  readonly classNames?: readonly string[] | undefined;
  /** Choice between weights and their EMA. */
  readonly which?: Which | undefined;
}

/**
 * Initializes a classifier with the weights of a classifier, autoencoder or encoder. The head is taken over if the file
 * states the same class names, row by row if their order differs, and is new otherwise; the norm before it is used if the
 * file has one, which encoders do not.
 *
 * @returns a line that says what was taken over
 * @throws WeightsError if the file is damaged or of another network
 */
export async function loadStart(
  file: string,
  store: ParameterStore,
  { adaptsResponseNorm = false, classNames = [], which }: StartOptions = {},
): Promise<string> {
  return withWeights(file, async (source) => {
    const tensors = canonicalEncoder(source, which);
    const targets = parameterTargets(store);
    const inFile = [...tensors.keys()].some(isResponse);
    const inModel = targets.some(({ path }) => isResponse(path));
    const isAdapted = adaptsResponseNorm && inFile !== inModel;
    const isClassifier =
      tensors.has('head.weight') && tensors.has('norm.weight') && !tensors.has('pre_logits.weight');
    const stated = isClassifier ? await statedClassNames(source) : undefined;
    const adapted =
      stated && stated.length === tensors.get('head.weight')?.shape[0]
        ? adaptClassLayers(tensors, CLASS_LAYERS, { file: stated, model: classNames })
        : undefined;
    const takesHead = adapted !== undefined && !adapted.isNew('head.weight');
    const taken = takesHead ? adapted.tensors : tensors;
    const norm = tensors.has('norm.weight') ? [] : (['encoderOnly'] as const);
    await loadTensors(
      file,
      isAdapted ? new Map([...taken].filter(([name]) => !isResponse(name))) : taken,
      isAdapted ? targets.filter(({ path }) => !isResponse(path)) : targets,
      { exceptions: takesHead ? [] : ['newHead', ...norm] },
    );
    if (adapted) return `${file}: ${adapted.line}`;
    return `${file}: ${norm.length > 0 ? 'encoder' : 'all layers'} taken over; the head is new`;
  });
}
