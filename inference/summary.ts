import { createDenseBackbone } from '../backbone/output-norms.js';
import { WeightsError } from '../core/errors.js';
import { listSpecs, type SpecTree } from '../engine/parameters/spec.js';
import type { TensorMap, TensorSource } from '../io/tensor.js';
import { createDetector } from '../models/detector.js';
import { createUperNet } from '../models/upernet.js';
import { inferArchitecture, type AnySizeName } from '../weights/architecture.js';
import { canonicalWeights } from '../weights/canonical.js';
import { matchTensors, type LoadOptions } from '../weights/load.js';
import { withWeights } from '../weights/open.js';
import { listed } from '../weights/schemes/closest.js';
import { subtree, type Which } from '../weights/select.js';
import {
  countParameters,
  explained,
  summarizeWeights,
  verifyValues,
  type FileCheck,
  type WeightsSummary,
} from '../weights/verify.js';
import { asConvolutions } from './detect/weights.js';
import { detectorOf } from './detect/architecture.js';
import { auxiliaryException, segmenterOf } from './segment/architecture.js';
import { taskOf } from './task-of.js';

/** Description of the model in a weight file. */
export interface ModelSummary extends WeightsSummary {
  readonly kind: 'classifier' | 'encoder' | 'autoencoder' | 'detector' | 'segmenter';
  /** Method, network and classes, e.g. `Mask R-CNN on ConvNeXt V1 (tiny), 80 classes`. */
  readonly title: string;
}

/** Expected weights. */
interface Expected {
  readonly which?: Which | undefined;
  /** Expected size of the network, if known. */
  readonly size?: AnySizeName | undefined;
}

/**
 * Checks names and shapes of a classifier, encoder, detector or segmenter of any container and naming scheme, without
 * reading values.
 *
 * @throws WeightsError with the differences, the naming scheme and how many names fit it
 */
export async function summarizeModel(
  file: string,
  { which, size }: Expected = {},
): Promise<ModelSummary> {
  const task = await taskOf(file, which);
  if (task === 'classify')
    return summaryOfClassifier(await summarizeWeights(file, { which, size }));
  const summary = await withWeights(file, (source) => summaryOfDense(source, task, which));
  const got = summary.architecture.size;
  if (size === undefined || size === got) return summary;
  throw WeightsError.in(file, `expected a network of size ${size}, got ${got ?? 'another'}`);
}

/**
 * Checks everything possible without running the model: checksums, names, shapes, finite values.
 *
 * @throws WeightsError with the reason
 */
export async function verifyModel(
  file: string,
  expected: Expected = {},
): Promise<ModelSummary & FileCheck> {
  const summary = await summarizeModel(file, expected);
  return { ...summary, ...(await verifyValues(file, expected.which)) };
}

function summaryOfClassifier(summary: WeightsSummary): ModelSummary {
  const { architecture, hasDecoder } = summary;
  const { numClasses } = architecture;
  const network = networkTitle(summary);
  if (hasDecoder) return { ...summary, kind: 'autoencoder', title: `FCMAE on ${network}` };
  return numClasses === undefined
    ? { ...summary, kind: 'encoder', title: `${network}, no head` }
    : { ...summary, kind: 'classifier', title: `${network}, ${numClasses} classes` };
}

/** Name of the network, e.g. `ConvNeXt V1 (tiny)`. */
function networkTitle({
  version,
  architecture,
}: Pick<WeightsSummary, 'version' | 'architecture'>): string {
  const { size, stem, withoutShift, normFirst, inChannels } = architecture;
  const parts = [
    size ?? 'no published size',
    stem && 'overlapping stem',
    withoutShift && 'norms without shift',
    normFirst && 'norm before pooling',
    inChannels !== 3 && `${inChannels} input channel${inChannels === 1 ? '' : 's'}`,
  ];
  return `ConvNeXt V${version} (${parts.filter(Boolean).join(', ')})`;
}

function summaryOfDense(
  source: TensorSource,
  task: 'detect' | 'segment',
  which: Which | undefined,
): ModelSummary {
  const { file, container } = source;
  const { scheme, version, group, prefix, tensors, leftOut } = canonicalWeights(source, which);
  return explained(source, which, scheme, () => {
    const architecture = inferArchitecture(file, subtree(tensors, 'backbone'));
    const { specs, method, numClasses, options } =
      task === 'detect' ? detectorSpecs(source, tensors) : segmenterSpecs(source, tensors);
    const targets = listSpecs(specs).map(([path, { shape, layout }]) => ({ path, shape, layout }));
    const { problems } = matchTensors(asConvolutions(tensors, targets), targets, options);
    if (problems.length > 0)
      throw WeightsError.in(
        file,
        `expected the tensors of a ${method}, got ${listed(problems, '; ')}`,
      );
    return {
      file,
      container,
      scheme,
      version,
      group,
      prefix,
      numLeftOut: leftOut.length,
      architecture: { ...architecture, numClasses },
      numParameters: countParameters(tensors, version),
      hasDecoder: false,
      kind: task === 'detect' ? 'detector' : 'segmenter',
      title: `${method} on ${networkTitle({ version, architecture })}, ${numClasses} classes`,
    };
  });
}

/** Requirements of a dense model. */
interface DenseSpecs {
  readonly specs: SpecTree;
  readonly method: string;
  readonly numClasses: number;
  readonly options: Pick<LoadOptions, 'exceptions'>;
}

function detectorSpecs(source: TensorSource, tensors: TensorMap): DenseSpecs {
  const { backbone, detector } = detectorOf(source, tensors);
  const { specs } = createDetector(createDenseBackbone(backbone), detector);
  const { stages, masks, numClasses } = detector;
  const parts = [stages.length > 1 && 'Cascade', masks && 'Mask', 'R-CNN'].filter(Boolean);
  const method = parts.length > 1 ? parts.join(' ') : 'Faster R-CNN';
  return { specs, method, numClasses, options: {} };
}

function segmenterSpecs(source: TensorSource, tensors: TensorMap): DenseSpecs {
  const { backbone, head } = segmenterOf(source, tensors);
  const { specs } = createUperNet(createDenseBackbone(backbone), head);
  const options = auxiliaryException(tensors);
  return { specs, method: 'UPerNet', numClasses: head.numClasses, options };
}
