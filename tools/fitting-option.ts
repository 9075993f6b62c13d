import type { PredictTask } from '../inference/model.js';
import { log } from './output.js';

/**
 * Value of an option that changes something for some tasks only. For another one it is left out, which is told: a command
 * for models of several tasks may have it all the same.
 *
 * @param flag `--max`
 */
export function fitting<Value>(
  [flag, value]: readonly [flag: string, value: Value],
  task: PredictTask,
  ...tasks: readonly PredictTask[]
): Value | undefined {
  if (value === undefined || value === false || tasks.includes(task)) return value;
  log(`${flag} changes nothing: it is for models to ${tasks.join(' or ')}, this one is to ${task}`);
  return undefined;
}
