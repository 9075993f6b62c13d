import { type WeightsError, CheckpointError } from '../core/errors.js';
import * as t from '../core/schema.js';
import { problemOf } from '../io/checked-json.js';
import { hasAxesOf, LAYOUTS, toTorchLayout, torchShape, type Layout } from './layout.js';
import { derivedTensor, toFloat32, type LazyTensor, type TensorSource } from '../io/tensor.js';

/**
 * Our own checkpoints store parameters in this library's axis order. The layouts are stored in the safetensors metadata,
 * so that such a file can be read like any other weight file.
 */

/** Value of `format` in the metadata of our checkpoints. */
export const CHECKPOINT_FORMAT = 'convnextv2-checkpoint';

const Layouts = t.dictionary(t.oneOf(...LAYOUTS));

/** Creates the metadata of a checkpoint from the layouts by parameter path. */
export function checkpointMetadata(
  layouts: ReadonlyMap<string, Layout>,
): Readonly<Record<string, string>> {
  return { format: CHECKPOINT_FORMAT, layouts: JSON.stringify(Object.fromEntries(layouts)) };
}

/** Whether a file is a checkpoint written by {@link file://./checkpoint.ts}. */
export function isCheckpoint(source: TensorSource): boolean {
  return source.plain['format'] === CHECKPOINT_FORMAT;
}

/**
 * Selects the tensors of one group of a checkpoint (`weights`, `ema`, …) by parameter path, in PyTorch's axis order.
 *
 * @throws WeightsError if the metadata lacks the layout of a tensor
 */
export function checkpointGroup(
  source: TensorSource,
  group: string,
): ReadonlyMap<string, LazyTensor> {
  const layouts = parseLayouts(source);
  const tensors = new Map<string, LazyTensor>();
  for (const [name, tensor] of source.tensors) {
    if (!name.startsWith(`${group}.`)) continue;
    const path = name.slice(group.length + 1);
    const layout = layouts.get(path);
    if (layout === undefined) {
      throw CheckpointError.in(source.file, `expected a layout for ${path}, got none`, {
        id: path,
      });
    }
    const { shape } = tensor;
    if (!hasAxesOf(layout, shape.length))
      throw CheckpointError.in(
        source.file,
        `expected the axes of layout ${layout} for ${path}, got [${shape.join(', ')}]`,
        { id: path },
      );
    const ordered = derivedTensor(tensor, torchShape(shape, layout), (values) =>
      toTorchLayout(toFloat32(values), shape, layout),
    );
    tensors.set(path, { ...ordered, stored: { layout, tensor } });
  }
  return tensors;
}

function parseLayouts(source: TensorSource): ReadonlyMap<string, Layout> {
  const fail = (got: string, cause?: unknown): WeightsError =>
    CheckpointError.in(
      source.file,
      `expected layouts in the metadata of the checkpoint, got ${got}`,
      {
        cause,
      },
    );
  const text = source.plain['layouts'];
  let json: unknown;
  try {
    json = JSON.parse(typeof text === 'string' ? text : '');
  } catch (cause) {
    throw fail('none that parse', cause);
  }
  const problem = problemOf(json, Layouts);
  if (problem !== undefined) throw fail(problem);
  return new Map(Object.entries(json as Record<string, Layout>));
}
