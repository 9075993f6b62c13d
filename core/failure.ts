import {
  ERROR_CLASSES,
  type ErrorCode,
  type ErrorDetails,
  InputError,
  WorkError,
} from './errors.js';

/** An error in a form that can be sent between threads, because structured cloning loses classes. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: ErrorCode | undefined;
  readonly file?: string | undefined;
  readonly id?: string | number | undefined;
}

/** Code of an error; `unexpected` for those that are none of ours. */
export const codeOf = (error: unknown): ErrorCode =>
  error instanceof InputError || error instanceof WorkError ? error.code : 'unexpected';

/** Converts an error to a failure; the inverse of {@link reviveFailure}. */
export function describeFailure(error: unknown): Failure {
  const known: Error & ErrorDetails = error instanceof Error ? error : new Error(String(error));
  const { name, message, stack = message, file, id } = known;
  return { name, message, stack, code: codeOf(error), file, id };
}

/** Families of errors that keep their class; an `InputError` itself is not among them. */
const FAMILIES = ['ShapeError', 'ConfigError', 'DataError', 'WeightsError'];

/**
 * Recreates the error with its class; unexpected errors become a WorkError. The cause is the text from the other thread.
 *
 * @param where beginning of the message of a WorkError
 */
export function reviveFailure(failure: Failure, where: string): Error {
  const { name, message, stack, code, file, id } = failure;
  const cause = new Error(stack);
  const family = FAMILIES.includes(name)
    ? ERROR_CLASSES.input.filter((known) => known.family === name)
    : [];
  const Known = family.find((known) => known.code === code) ?? family[0];
  if (Known) return new Known(message, { cause, file, id });
  const Work = ERROR_CLASSES.work.find((known) => known.code === code) ?? WorkError;
  return new Work(`${where}: ${message}`, { cause });
}
