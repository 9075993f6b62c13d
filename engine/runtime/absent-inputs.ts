import type * as tf from '@tensorflow/tfjs';
import { EngineError, InputError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';

type Inputs = Readonly<Record<string, tf.Tensor>>;

/**
 * Calls a program with its inputs by name. A missing input reads as undefined, which is allowed for optional ones; if the
 * program then fails, the error names the missing inputs that it read.
 *
 * @param program name of the program
 * @throws ConfigError for a missing input; otherwise the program's error
 */
export function namingAbsentInputs<Result>(
  program: string,
  inputs: Inputs,
  forward: (inputs: Inputs) => Result,
): Result {
  const absent = new Set<string>();
  const watched = new Proxy(inputs, {
    get(target, name: string): tf.Tensor | undefined {
      if (!(name in target)) absent.add(name);
      return target[name];
    },
  });
  try {
    return forward(watched);
  } catch (cause) {
    if (absent.size === 0 || !isAboutUndefined(cause)) throw cause;
    throw new EngineError(
      `${program}: expected another input, ${[...absent].join(' or ')}, got ${listInputs(inputs)} (${cause.message})`,
      { cause },
    );
  }
}

/** `image [1, 32, 32, 3], targets [1, 3]`. */
export function listInputs(inputs: Inputs): string {
  const all = Object.entries(inputs).map(([name, { shape }]) => `${name} ${formatShape(shape)}`);
  return all.length === 0 ? 'none' : all.join(', ');
}

/**
 * Whether an error is JavaScript's for a property of undefined or tfjs's for an argument that is not a tensor. Our own
 * errors say more and are kept.
 */
function isAboutUndefined(error: unknown): error is Error {
  if (error instanceof InputError || !(error instanceof Error)) return false;
  return error instanceof TypeError || /must be a Tensor/.test(error.message);
}
