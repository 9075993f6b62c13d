import {
  ConfigError,
  DataError,
  ShapeError,
  WeightsError,
  WorkError,
  type ErrorDetails,
} from './errors.js';

/** An error that can cross threads: classes do not survive the structured clone. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly file?: string | undefined;
  readonly id?: string | number | undefined;
}

/** Takes an error apart; the reverse of {@link reviveFailure}. */
export function describeFailure(error: unknown): Failure {
  const known: Error & ErrorDetails = error instanceof Error ? error : new Error(String(error));
  const { name, message, stack = message, file, id } = known;
  return { name, message, stack, file, id };
}

const INPUT_ERRORS = { ShapeError, ConfigError, DataError, WeightsError } as const;

/**
 * The error again, of the class it had; anything unexpected becomes a WorkError. The cause is its text from the other thread.
 *
 * @param where begins the message of a WorkError
 */
export function reviveFailure({ name, message, stack, file, id }: Failure, where: string): Error {
  const cause = new Error(stack);
  const Known = Object.entries(INPUT_ERRORS).find(([known]) => known === name)?.[1];
  return Known
    ? new Known(message, { cause, file, id })
    : new WorkError(`${where}: ${message}`, { cause });
}
