import {
  ConfigError,
  DataError,
  ShapeError,
  WeightsError,
  WorkError,
  type ErrorDetails,
} from './errors.js';

/** An error in a form that can be sent between threads, because structured cloning loses classes. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly file?: string | undefined;
  readonly id?: string | number | undefined;
}

/** Converts an error to a failure; the inverse of {@link reviveFailure}. */
export function describeFailure(error: unknown): Failure {
  const known: Error & ErrorDetails = error instanceof Error ? error : new Error(String(error));
  const { name, message, stack = message, file, id } = known;
  return { name, message, stack, file, id };
}

const INPUT_ERRORS = { ShapeError, ConfigError, DataError, WeightsError } as const;

/**
 * Recreates the error with its class; unexpected errors become a WorkError. The cause is the text from the other thread.
 *
 * @param where beginning of the message of a WorkError
 */
export function reviveFailure({ name, message, stack, file, id }: Failure, where: string): Error {
  const cause = new Error(stack);
  const Known = Object.entries(INPUT_ERRORS).find(([known]) => known === name)?.[1];
  return Known
    ? new Known(message, { cause, file, id })
    : new WorkError(`${where}: ${message}`, { cause });
}
