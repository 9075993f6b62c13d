import { oneLine } from './controls.js';

/**
 * Error classes for callers to distinguish. Messages read `where: expected X, got Y`, with file and id for data, and
 * with the remedy if one is known. `name` is the family (`DataError`), `code` the kind, which docs/errors.md explains.
 */

/** Parts of a message that name options of functions, and what the command line says for them: `resume` → `--resume`. */
export type FlagsOfMessage = Readonly<Record<string, string>>;

/** Details of an error beyond its message: the file and the record it concerns. */
export interface ErrorDetails {
  readonly cause?: unknown;
  readonly file?: string | undefined;
  readonly id?: string | number | undefined;
  readonly flags?: FlagsOfMessage | undefined;
}

/** Stable code of every kind of error, and the name of its section in docs/errors.md. */
export const ERROR_CODES = [
  ...['input', 'shape'],
  ...['config', 'option', 'config-file', 'output', 'in-use', 'engine', 'model-not-found'],
  ...['data', 'file', 'image', 'annotations', 'layout', 'results'],
  ...['weights', 'weights-file', 'weights-mismatch', 'checkpoint', 'download'],
  ...['work', 'not-finite', 'write', 'connection', 'distributed', 'export'],
  // Of the command line: arguments that were not understood, and mistakes of the program.
  ...['usage', 'unexpected'],
] as const;

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Longest message; a file may have names of millions of characters, and millions of names. */
const MAX_MESSAGE = 10_000;

/** The beginning and the end of a message, which say where and what to do. */
function limited(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  const half = MAX_MESSAGE / 2;
  return `${message.slice(0, half)} … ${message.slice(-half)}`;
}

/** Base class of errors caused by the input, not by the program. The command line exits with 2. */
export class InputError extends Error {
  /** Code of the errors of this class. */
  static readonly code: ErrorCode = 'input';
  /** Name of the errors of this class and of those below that have none of their own. */
  static readonly family: string = 'InputError';

  /** Kind of the error, see docs/errors.md. */
  readonly code: ErrorCode;
  readonly file?: string;
  readonly id?: string | number;
  /** For the command line. */
  readonly flags?: FlagsOfMessage;

  constructor(message: string, details: ErrorDetails = {}) {
    // Messages quote names of files and classes: one line, whatever these hold.
    super(oneLine(limited(message)), 'cause' in details ? { cause: details.cause } : undefined);
    this.name = new.target.family;
    this.code = new.target.code;
    if (details.file !== undefined) this.file = details.file;
    if (details.id !== undefined) this.id = details.id;
    if (details.flags !== undefined) this.flags = details.flags;
  }

  /** Creates an error about a file, whose message starts with its path: `file: expected X, got Y`. */
  static in<E extends InputError>(
    this: new (message: string, details: ErrorDetails) => E,
    file: string,
    message: string,
    details: Omit<ErrorDetails, 'file'> = {},
  ): E {
    return new this(`${file}: ${message}`, { ...details, file });
  }
}

/** A tensor or array does not have the shape that the operation needs. */
export class ShapeError extends InputError {
  static override readonly code: ErrorCode = 'shape';
  static override readonly family: string = 'ShapeError';
}

/** An option, recipe or environment is invalid or incomplete. */
export class ConfigError extends InputError {
  static override readonly code: ErrorCode = 'config';
  static override readonly family: string = 'ConfigError';
}

/** A data set, image or annotation is invalid. */
export class DataError extends InputError {
  static override readonly code: ErrorCode = 'data';
  static override readonly family: string = 'DataError';
}

/** A weight file is invalid or does not fit the model. */
export class WeightsError extends InputError {
  static override readonly code: ErrorCode = 'weights';
  static override readonly family: string = 'WeightsError';
}

/** Work with valid input failed while running, e.g. because the loss is not finite. Exit code 1. */
export class WorkError extends Error {
  /** Code of the errors of this class. */
  static readonly code: ErrorCode = 'work';

  /** Kind of the error, see docs/errors.md. */
  readonly code: ErrorCode;
  /** For the command line. */
  readonly flags?: FlagsOfMessage;

  constructor(message: string, details: Pick<ErrorDetails, 'cause' | 'flags'> = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'WorkError';
    this.code = new.target.code;
    if (details.flags !== undefined) this.flags = details.flags;
  }
}

/** A flag of the command line or an option of a call has a value that it cannot have. */
export class OptionError extends ConfigError {
  static override readonly code: ErrorCode = 'option';
}

/** A configuration file, a recipe or a setting is unknown or wrong. */
export class ConfigFileError extends ConfigError {
  static override readonly code: ErrorCode = 'config-file';
}

/** A file or folder to write to is in use by others, not empty, an input, or may not be written. */
export class OutputError extends ConfigError {
  static override readonly code: ErrorCode = 'output';
}

/** Another process writes the same folder. */
export class InUseError extends ConfigError {
  static override readonly code: ErrorCode = 'in-use';
}

/** ONNX Runtime, a tfjs backend or a device could not be opened. */
export class EngineError extends ConfigError {
  static override readonly code: ErrorCode = 'engine';
}

/** The model that was named is no run, no file, no published name, or none for the task. */
export class ModelNotFoundError extends WeightsError {
  static override readonly code: ErrorCode = 'model-not-found';
}

/** A file could not be read, or is not the text or JSON that was expected. */
export class FileError extends DataError {
  static override readonly code: ErrorCode = 'file';
}

/** An image could not be decoded. */
export class ImageError extends DataError {
  static override readonly code: ErrorCode = 'image';
}

/** Annotations in COCO, VOC, YOLO, LabelMe, VIA, CVAT, CSV or masks are invalid. */
export class AnnotationsError extends DataError {
  static override readonly code: ErrorCode = 'annotations';
}

/** A folder of data has no layout that is known. */
export class LayoutError extends DataError {
  static override readonly code: ErrorCode = 'layout';
}

/** Predictions to be scored are invalid. */
export class ResultsError extends DataError {
  static override readonly code: ErrorCode = 'results';
}

/** A weight file is damaged, or of no known format. */
export class WeightsFileError extends WeightsError {
  static override readonly code: ErrorCode = 'weights-file';
}

/** Weights do not fit the model: other names, shapes or classes. */
export class WeightsMismatchError extends WeightsError {
  static override readonly code: ErrorCode = 'weights-mismatch';
}

/** A checkpoint or its folder is damaged or incomplete. */
export class CheckpointError extends WeightsError {
  static override readonly code: ErrorCode = 'checkpoint';
}

/** A download was refused: another file than the published one, or a missing one. */
export class DownloadError extends WeightsError {
  static override readonly code: ErrorCode = 'download';
}

/** The loss or a gradient became infinite or not a number. */
export class NotFiniteError extends WorkError {
  static override readonly code: ErrorCode = 'not-finite';
}

/** A file could not be written: the disk is full or read-only. */
export class WriteError extends WorkError {
  static override readonly code: ErrorCode = 'write';
}

/** A server could not be reached. */
export class ConnectionError extends WorkError {
  static override readonly code: ErrorCode = 'connection';
}

/** One of several processes ended, hangs or computes something else. */
export class DistributedError extends WorkError {
  static override readonly code: ErrorCode = 'distributed';
}

/** An exported model does not answer as the original does. */
export class ExportError extends WorkError {
  static override readonly code: ErrorCode = 'export';
}

/** Classes of errors by family and kind: every code but those of the command line has one. */
export const ERROR_CLASSES = {
  input: [
    ...[InputError, ShapeError, ConfigError, DataError, WeightsError],
    ...[OptionError, ConfigFileError, OutputError, InUseError, EngineError, ModelNotFoundError],
    ...[FileError, ImageError, AnnotationsError, LayoutError, ResultsError],
    ...[WeightsFileError, WeightsMismatchError, CheckpointError, DownloadError],
  ],
  work: [
    ...[WorkError, NotFiniteError, WriteError, ConnectionError, DistributedError, ExportError],
  ],
} as const;

/** A value as it may stand in a message: JSON, cut to 60 characters or as many as given. */
export function quote(value: unknown, most = 60): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value too deep to print'; // stringify recurses where parse does not
  }
  return text.length > most ? `${text.slice(0, most - 3)}...` : text;
}
