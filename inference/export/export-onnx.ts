import { assertObject } from '../../core/arguments.js';
import { rethrowInOptionWords } from '../../core/option-words.js';
import * as rule from '../../core/options.js';
import { OptionError } from '../../core/errors.js';
import {
  assertEngine,
  openEngine,
  type Engine,
  type EngineOptions,
} from '../../engine/runtime/engine.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import { assertReplaceable } from '../../io/files/apart.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { DetectionThresholds } from '../../models/detection/config.js';
import { publishedEntry } from '../../weights/pull/cache.js';
import type { LoadedModel } from '../model.js';
import { load, LOAD_RULES, type OpenOptions } from '../open.js';
import { calibrated } from './calibrate.js';
import { compareDetections, SINGLE, type DetectionTolerances } from './compare-detections.js';
import { compareOutputs, openFile, type OutputDifference } from './compare.js';
import type { ExportContract, ExportPrecision } from './contract.js';
import { exportModel, type ExportedModel } from './export-model.js';
import { exportFormat, type ExportFormat, type FormatOptions } from './format.js';
import { halfPrecision } from './half-precision.js';
import { references, type Reference } from './references.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions extends FormatOptions {
  /** Path of the ONNX file; its contract, which is also in the file, is written to a JSON file next to it. */
  readonly out: string;
  /** Whether to replace the soft-NMS of a detector with hard NMS. */
  readonly hardNms?: boolean | undefined;
  /**
   * Precision of weights and products: `fp32` (default); `fp16`, which is half as large; or `int8`, a quarter, which needs
   * `calibrate`. Inputs and outputs keep their types.
   */
  readonly precision?: ExportPrecision | undefined;
  /** Folder with pictures like those that the model will see, for the ranges of `int8`. */
  readonly calibrate?: string | undefined;
  /** License of the weights, for the contract; default: that of published weights. */
  readonly license?: string | undefined;
  /** Engine that computes the reference outputs. */
  readonly engine?: Partial<EngineOptions> | Engine | undefined;
}

/** Rules of {@link ExportOptions} and of loading; choices and sizes are checked where they are used. */
export const EXPORT_RULES: rule.OptionRules<ExportOptions & Omit<OpenOptions, 'engine'>> = {
  ...LOAD_RULES,
  out: rule.ANYTHING,
  layout: rule.ANYTHING,
  input: rule.ANYTHING,
  raw: rule.TRUE_OR_FALSE,
  argmax: rule.TRUE_OR_FALSE,
  opset: rule.ANYTHING,
  batch: rule.ANYTHING,
  height: rule.ANYTHING,
  width: rule.ANYTHING,
  hardNms: rule.TRUE_OR_FALSE,
  precision: rule.ANYTHING,
  calibrate: rule.ANYTHING,
  license: rule.A_TEXT,
};

/** Result of an export. */
export interface ExportDocument {
  readonly model: string | undefined;
  readonly task: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly opset: number;
  readonly numNodes: number;
  /** Sizes; −1 for those that may be any. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly differences: readonly OutputDifference[];
  readonly contract: ExportContract;
}

/**
 * Writes a model as an ONNX file, after comparing its outputs for random inputs with those of this library, and next to
 * it a JSON file with the contract that is also in the file's metadata.
 *
 * @param model an open model, its weights, or a name as `loadModel` takes it, with its options
 * @throws ConfigError; ExportError if the outputs differ
 *
 * @example
 *   ```ts
 *   const { differences } = await exportOnnx('RUN', { out: 'model.onnx', height: 96, width: 96 });
 *   console.log(differences); // of every output to that of this library
 *   ```
 */
export function exportOnnx(
  model: string | LoadedModel | { readonly loaded: LoadedModel },
  options: ExportOptions & Omit<OpenOptions, 'engine'>,
): Promise<ExportDocument> {
  return exportedFile(model, options).catch(rethrowInOptionWords);
}

async function exportedFile(
  model: string | LoadedModel | { readonly loaded: LoadedModel },
  options: ExportOptions & Omit<OpenOptions, 'engine'>,
): Promise<ExportDocument> {
  rule.assertOptions('export', options, EXPORT_RULES);
  if (options.engine !== undefined) assertEngine(options.engine);
  const { out, engine, license, calibrate, precision = 'fp32' } = options;
  assertPrecision(precision, calibrate);
  const format = exportFormat(options);
  if (typeof (out as unknown) !== 'string' || !out.endsWith('.onnx'))
    throw new OptionError(`out: expected a name that ends in .onnx, got ${String(out)}`, {
      flags: { out: '--out' },
    });
  // A checkpoint's JSON may have the same name.
  const isStart = (text: string): boolean => /^\{\s*"(model|task)": .*"opset": /s.test(text);
  assertReplaceable('out', cardFile(out), { name: 'the JSON of an exported model', isStart });
  const loaded = suppressing(await loadedOf(model, options), options.hardNms ?? false);
  const published = typeof model === 'string' ? publishedEntry(model)?.license : undefined;
  const change = await changeTo(precision, loaded, format, options);
  const exported = exportModel({
    loaded,
    format,
    license: license ?? published,
    precision: { name: precision, change },
  });
  const expected = await references(loaded, format, await openEngine(engine));
  const differences = await compared(exported, loaded.card.task, expected);
  return written(out, exported, loaded, differences);
}

/** Largest accepted differences: of values as a part of the largest one, and of detections. */
interface Tolerances {
  readonly value: number;
  readonly detections: DetectionTolerances;
}

const TOLERANCES: Readonly<Record<ExportPrecision, Tolerances>> = {
  fp32: { value: 1e-3, detections: SINGLE },
  fp16: { value: 1e-2, detections: { missing: 0.1, score: 1e-2, box: 1e-2, mask: 5e-2 } },
  // Whether bytes are precise enough is decided by the scores on data (`eval --onnx`), not by random pictures.
  int8: { value: Infinity, detections: { missing: 1, score: 0.1, box: 0.1, mask: 1 } },
};

/** Change of the networks to a precision. */
async function changeTo(
  precision: ExportPrecision,
  loaded: LoadedModel,
  format: ExportFormat,
  { calibrate, onNotice }: Pick<ExportOptions & OpenOptions, 'calibrate' | 'onNotice'>,
): Promise<Awaited<ReturnType<typeof calibrated>> | undefined> {
  if (precision === 'int8' && calibrate !== undefined)
    return calibrated(loaded, format, calibrate, onNotice);
  return precision === 'fp16' ? halfPrecision : undefined;
}

function assertPrecision(precision: unknown, calibrate: unknown): void {
  if (precision === 'int8' && typeof calibrate !== 'string')
    throw new OptionError('precision: expected calibrate FOLDER with pictures for int8, got none', {
      flags: { precision: '--precision', 'calibrate FOLDER': '--calibrate FOLDER' },
    });
  if (precision !== 'int8' && calibrate !== undefined)
    throw new OptionError(
      `calibrate: expected precision int8 with it, got ${String(precision)}, which needs no pictures`,
      { flags: { calibrate: '--calibrate', precision: '--precision' } },
    );
  if (typeof precision === 'string' && Object.hasOwn(TOLERANCES, precision)) return;
  throw new OptionError(
    `precision: expected ${Object.keys(TOLERANCES).join(' or ')}, got ${String(precision)}`,
    { flags: { precision: '--precision' } },
  );
}

/** Runs a file on all references. @returns the largest differences by output */
async function compared(
  { bytes, contract: { precision } }: ExportedModel,
  task: LoadedModel['card']['task'],
  all: readonly Reference[],
): Promise<readonly OutputDifference[]> {
  const file = await openFile(bytes);
  const { value, detections } = TOLERANCES[precision];
  const compare = (found: HostTensors, expected: HostTensors): readonly OutputDifference[] =>
    task === 'detect'
      ? compareDetections(found, expected, detections)
      : compareOutputs(found, expected, value);
  const worst = new Map<string, OutputDifference>();
  for (const { inputs, expected } of all) {
    for (const line of compare(await file.run(inputs), expected)) {
      const before = worst.get(line.name);
      if (!before || line.maxAbsDifference >= before.maxAbsDifference) worst.set(line.name, line);
    }
  }
  await file.release();
  return [...worst.values()];
}

/** Writes the file and the JSON beside it. */
async function written(
  out: string,
  exported: ExportedModel,
  loaded: LoadedModel,
  differences: readonly OutputDifference[],
): Promise<ExportDocument> {
  const { sha256, bytes } = await writeAtomically(out, exported.bytes);
  const shapes = (values: typeof exported.inputs): Record<string, readonly number[]> =>
    Object.fromEntries(values.map(({ name, shape }) => [name, shape]));
  const document: ExportDocument = {
    model: loaded.file,
    task: loaded.card.task,
    file: out,
    sha256,
    bytes,
    opset: exported.opset,
    numNodes: exported.numNodes,
    inputs: shapes(exported.inputs),
    outputs: shapes(exported.outputs),
    differences,
    contract: exported.contract,
  };
  await writeJsonAtomically(cardFile(out), { ...document, card: loaded.card });
  return document;
}

/** Refuses an option, whose name the message starts with. */
function refuse(message: string): never {
  const name = message.slice(0, message.indexOf(':'));
  throw new OptionError(message, { flags: { [name]: `--${name}` } });
}

/** @throws OptionError for options that would have no effect */
function loadedOf(
  model: Parameters<typeof exportOnnx>[0],
  options: Omit<OpenOptions, 'engine'>,
): Promise<LoadedModel> | LoadedModel {
  if (typeof model === 'string') return load(model, options, refuse);
  assertObject('export', 'an open model, its weights or a name', model);
  const loaded = 'loaded' in model ? model.loaded : model;
  assertObject('export', 'an open model, its weights or a name', loaded, 'model', 'store', 'card');
  for (const [name, value] of Object.entries(rule.optionsAmong(options, LOAD_RULES)))
    if (name !== 'onNotice' && name !== 'engine' && value !== undefined)
      refuse(`${name}: expected it where the model is opened, got it with an open model`);
  return loaded;
}

/** The model with the suppression of the file. */
function suppressing(loaded: LoadedModel, hardNms: boolean): LoadedModel {
  const { card } = loaded;
  if (card.task !== 'detect' || !hardNms) return loaded;
  return { ...loaded, card: { ...card, thresholds: withHardNms(card.thresholds) } } as LoadedModel;
}

/** Replaces soft-NMS with hard NMS, at the IoU threshold of linear soft-NMS or ½. */
function withHardNms(thresholds: DetectionThresholds): DetectionThresholds {
  const { suppression } = thresholds;
  if (suppression.kind === 'hard') return thresholds;
  const { decay } = suppression;
  const iouThreshold = decay.kind === 'linear' ? decay.iouThreshold : 0.5;
  return { ...thresholds, suppression: { kind: 'hard', iouThreshold } };
}

/** Path of the JSON file of an ONNX file. */
export const cardFile = (onnxFile: string): string => onnxFile.replace(/\.onnx$/, '.json');
