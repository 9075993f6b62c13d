import { existsSync } from 'node:fs';
import { numElements } from '../core/shape.js';
import { readModelConfig } from '../io/model-config/read.js';
import { derivedTensor, type LazyTensor, type TensorMap, type TensorSource } from '../io/tensor.js';
import { readCheckpointJson } from '../weights/checkpoint.js';
import { trainingOf } from './training-meta.js';

/** Rows of classes in the layers whose names match: `perClass` for every class, then `extra` for none. */
export interface ClassRows {
  readonly pattern: RegExp;
  readonly perClass: number;
  readonly extra: number;
}

/** Weights of a file for a model with classes of its own. */
export interface AdaptedWeights {
  /** Without the class layers if they are new; with their rows in the order of the model if that differs. */
  readonly tensors: TensorMap;
  /** Whether a parameter of the model keeps its initial values. */
  isNew(path: string): boolean;
  /** Sentence for people about the class layers. */
  readonly line: string;
}

/**
 * Compares the classes of a file with those of a model by name. Class layers are taken over if the names are the same,
 * row by row if their order differs, and are new if there are other names. Without names in the file, their number
 * decides.
 *
 * @param names of the file and of the model, by class index
 */
export function adaptClassLayers(
  tensors: TensorMap,
  layers: readonly ClassRows[],
  names: { readonly file: readonly string[] | undefined; readonly model: readonly string[] },
): AdaptedWeights {
  const rowsOf = (path: string): ClassRows | undefined =>
    layers.find(({ pattern }) => pattern.test(path));
  const numInFile = numClasses(tensors, layers);
  const { model } = names;
  const file = names.file?.length === numInFile ? names.file : undefined;
  const isNamed = file !== undefined;
  const isSame = isNamed
    ? file.length === model.length && file.every((name, k) => name === model[k])
    : numInFile === model.length;
  if (isSame) {
    const line = isNamed
      ? 'all layers taken over'
      : 'all layers taken over, classes by their index';
    return { tensors, isNew: () => false, line };
  }
  const order = isNamed ? model.map((name) => file.indexOf(name)) : [];
  const isMapped =
    order.length === numInFile && new Set(order).size === numInFile && !order.includes(-1);
  if (isMapped) {
    const mapped = [...tensors].map(([name, tensor]) => {
      const rows = rowsOf(name);
      return [name, rows ? withRows(tensor, rows, order) : tensor] as const;
    });
    const line = 'all layers taken over, class layers mapped by name to another order of classes';
    return { tensors: new Map(mapped), isNew: () => false, line };
  }
  // Boxes that do not depend on the class are no class layer.
  const isNew = (path: string): boolean => {
    const rows = rowsOf(path);
    const tensor = tensors.get(path);
    return rows !== undefined && tensor?.shape[0] === rows.perClass * (numInFile ?? 0) + rows.extra;
  };
  const known = isNamed ? `: ${few(file)}` : '';
  return {
    tensors: new Map([...tensors].filter(([name]) => !isNew(name))),
    isNew,
    line:
      `all layers taken over but those of the classes, which are new (${model.length} classes: ${few(model)}; ` +
      `the file has ${numInFile ?? 'none'}${known})`,
  };
}

/**
 * Class names that a file states: a checkpoint of this library in the JSON beside it, one of OpenMMLab in its `meta`, others
 * in the configuration beside them. Undefined if nothing states them.
 *
 * @throws WeightsError if what is beside the file is damaged
 */
export async function statedClassNames(
  source: TensorSource,
): Promise<readonly string[] | undefined> {
  const { file } = source;
  const ofCheckpoint = await classNamesBeside(file);
  return ofCheckpoint ?? trainingOf(source).classNames ?? readModelConfig(file)?.labels;
}

async function classNamesBeside(file: string): Promise<readonly string[] | undefined> {
  const json = file.replace(/\.safetensors$/, '.json');
  if (json === file || !existsSync(json)) return undefined;
  const { state } = await readCheckpointJson(json);
  const card = state['card'] as { readonly classNames?: readonly string[] } | undefined;
  return card?.classNames;
}

/** Number of classes of a file, from its first class layer. */
function numClasses(tensors: TensorMap, layers: readonly ClassRows[]): number | undefined {
  for (const { pattern, perClass, extra } of layers)
    for (const [name, { shape }] of tensors)
      if (pattern.test(name)) return (shape[0] - extra) / perClass;
  return undefined;
}

/** A tensor whose rows of class `k` are those of class `order[k]`. */
function withRows(
  tensor: LazyTensor,
  { perClass, extra }: ClassRows,
  order: readonly number[],
): LazyTensor {
  const numRows = tensor.shape[0];
  if (numRows !== perClass * order.length + extra) return tensor;
  const length = (perClass * numElements(tensor.shape)) / numRows;
  return derivedTensor(tensor, tensor.shape, (values) => {
    const mapped = values.slice();
    order.forEach((from, k) =>
      (mapped as Float32Array).set(
        values.subarray(from * length, (from + 1) * length) as Float32Array,
        k * length,
      ),
    );
    return mapped;
  });
}

function few(names: readonly string[]): string {
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
}
