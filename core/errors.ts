import { oneLine } from './controls.js';

/**
 * Error classes for callers to distinguish. Messages read `where: expected X, got Y`, with file and id for data, and
 * with the remedy if one is known.
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

/** Base class of errors caused by the input, not by the program. The command line exits with 2. */
export class InputError extends Error {
  readonly file?: string;
  readonly id?: string | number;
  /** For the command line. */
  readonly flags?: FlagsOfMessage;

  constructor(message: string, details: ErrorDetails = {}) {
    // Messages quote names of files and classes: one line, whatever these hold.
    super(oneLine(message), 'cause' in details ? { cause: details.cause } : undefined);
    this.name = new.target.name;
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
export class ShapeError extends InputError {}

/** An option, recipe or environment is invalid or incomplete. */
export class ConfigError extends InputError {}

/** A data set, image or annotation is invalid. */
export class DataError extends InputError {}

/** A weight file is invalid or does not fit the model. */
export class WeightsError extends InputError {}

/** Work with valid input failed while running, e.g. because the loss is not finite. Exit code 1. */
export class WorkError extends Error {
  /** For the command line. */
  readonly flags?: FlagsOfMessage;

  constructor(message: string, details: Pick<ErrorDetails, 'cause' | 'flags'> = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'WorkError';
    if (details.flags !== undefined) this.flags = details.flags;
  }
}

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
