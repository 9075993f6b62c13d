import { assertObject } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import { openEngine, type Engine, type EngineOptions } from '../../engine/runtime/engine.js';
import { assertReplaceable } from '../../io/files/apart.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { LoadedModel } from '../model.js';
import { load, type OpenOptions } from '../open.js';
import { compareDetections } from './compare-detections.js';
import { compareOutputs, runFile, type OutputDifference } from './compare.js';
import { planExport } from './plan.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions {
  /** Path of the ONNX file; its inputs and outputs are described in a JSON file next to it. */
  readonly out: string;
  /** Number of images per batch, default 1; a detector takes one. */
  readonly batch?: number | undefined;
  /** Sides of the input in pixels; default: those of the model. */
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  /** Whether to replace the soft-NMS of a detector with hard NMS. */
  readonly hardNms?: boolean | undefined;
  /** Engine that computes the reference outputs. */
  readonly engine?: Partial<EngineOptions> | Engine | undefined;
}

/** Result of an export. */
export interface ExportDocument {
  readonly model: string | undefined;
  readonly task: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly opset: number;
  readonly numNodes: number;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly differences: readonly OutputDifference[];
}

/**
 * Writes a model as an ONNX file, after comparing its outputs for random inputs with those of this library, and next to
 * it a JSON file that describes preprocessing and outputs.
 *
 * @param model an open model, its weights, or a name as `loadModel` takes it, with its options
 * @throws ConfigError; WorkError if the outputs differ
 */
export async function exportOnnx(
  model: string | LoadedModel | { readonly loaded: LoadedModel },
  options: ExportOptions & Omit<OpenOptions, 'engine'>,
): Promise<ExportDocument> {
  assertObject('export', 'an object of options', options);
  const { out, batch = 1, height = 32, width = 32, engine } = options;
  const sizes = [batch, height, width];
  if (!sizes.every(Number.isInteger) || batch < 1 || height < 32 || width < 32)
    throw new ConfigError(
      `export: expected whole numbers, batch from 1, height and width from 32, got ${sizes.join(', ')}`,
      { flags: { 'batch from': '--batch from', 'height and width': '--height and --width' } },
    );
  if (typeof (out as unknown) !== 'string' || !out.endsWith('.onnx'))
    throw new ConfigError(`out: expected a name that ends in .onnx, got ${String(out)}`, {
      flags: { out: '--out' },
    });
  // A checkpoint's JSON may have the same name.
  const isStart = (text: string): boolean => /^\{\s*"model": .*"opset": /s.test(text);
  assertReplaceable('out', cardFile(out), { name: 'the JSON of an exported model', isStart });
  const loaded = await loadedOf(model, options);
  const { exported, card, inputs, expected } = planExport(loaded, options);
  const ours = await expected(await openEngine(engine));
  const found = await runFile(exported.bytes, inputs);
  const compare = card.task === 'detect' ? compareDetections : compareOutputs;
  const differences = compare(found, ours);
  const { sha256, bytes } = await writeAtomically(out, exported.bytes);
  const shapes = (values: typeof exported.inputs): Record<string, readonly number[]> =>
    Object.fromEntries(values.map(({ name, shape }) => [name, shape]));
  const document: ExportDocument = {
    model: loaded.file,
    task: card.task,
    file: out,
    sha256,
    bytes,
    opset: exported.opset,
    numNodes: exported.numNodes,
    inputs: shapes(exported.inputs),
    outputs: shapes(exported.outputs),
    differences,
  };
  await writeJsonAtomically(cardFile(out), { ...document, card });
  return document;
}

function loadedOf(
  model: Parameters<typeof exportOnnx>[0],
  options: Omit<OpenOptions, 'engine'>,
): Promise<LoadedModel> | LoadedModel {
  if (typeof model === 'string') return load(model, options);
  assertObject('export', 'an open model, its weights or a name', model);
  const loaded = 'loaded' in model ? model.loaded : model;
  assertObject('export', 'an open model, its weights or a name', loaded, 'model', 'store', 'card');
  return loaded;
}

/** Path of the JSON file of an ONNX file. */
export const cardFile = (onnxFile: string): string => onnxFile.replace(/\.onnx$/, '.json');
