/**
 * The errors that callers can tell apart. Messages read `where: expected X, got Y`, with file and id
 * for data and the remedy where there is one. All but plain `Error` mean that the input is wrong.
 */

/** What an error can say beyond its message: the file and the record it is about. */
export interface ErrorDetails {
  readonly cause?: unknown;
  readonly file?: string;
  readonly id?: string | number;
}

/** Base of our errors: the input, not the program, is wrong. The command line exits with 2. */
export class InputError extends Error {
  readonly file?: string;
  readonly id?: string | number;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = new.target.name;
    if (details.file !== undefined) this.file = details.file;
    if (details.id !== undefined) this.id = details.id;
  }
}

/** A tensor or array has another shape than the operation needs. */
export class ShapeError extends InputError {}

/** An option, recipe or environment is wrong or incomplete. */
export class ConfigError extends InputError {}

/** A data set, image or annotation is wrong. */
export class DataError extends InputError {}

/** A weight file is wrong or does not fit the model. */
export class WeightsError extends InputError {}

/** Work that was sound at the start failed on the way, e.g. a loss that is not finite. Exit code 1. */
export class WorkError extends Error {
  constructor(message: string, details: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'WorkError';
  }
}
