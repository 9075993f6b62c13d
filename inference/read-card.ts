import { compileSchema, formatProblems } from '../io/schema.js';
import { checkedCard, type CardOf, type TaskName } from './card.js';

/**
 * Reads the model card from the state of a checkpoint.
 *
 * @param task expected task; default: any
 * @throws WeightsError if it is of another task or damaged
 */
export function readCard<Task extends TaskName = TaskName>(
  file: string,
  state: Readonly<Record<string, unknown>>,
  task?: Task,
): CardOf<Task> {
  return checkedCard(file, state['card'], {
    source: 'the checkpoint',
    task,
    faultOf: (schema, value) => {
      const problems = compileSchema(schema)(value);
      return problems.length > 0 ? formatProblems(problems) : undefined;
    },
  });
}
