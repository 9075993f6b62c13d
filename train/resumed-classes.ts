import { join } from 'node:path';
import { CHECKPOINTS, latestValid } from '../weights/checkpoint-folder.js';
import type { Communicator } from './distributed/communicator.js';
import { shareJson } from './distributed/start.js';
import type { LoadedData, Task } from './tasks/task.js';

/**
 * Gives the sets of a resumed run the class indices of its checkpoint, by name, so that changed folders or lists do not
 * exchange classes.
 *
 * @throws DataError if training data has other classes than the run; the message lists the difference
 */
export async function withClassesOfRun(
  task: Task,
  { training, validation, lines }: LoadedData<unknown>,
  { folder, communicator }: { readonly folder: string; readonly communicator: Communicator },
): Promise<LoadedData<unknown>> {
  const own = communicator.rank === 0 ? await classNamesOf(folder) : undefined;
  const names = await shareJson(communicator, own);
  if (!names || !task.alignClasses) return { training, validation, lines };
  const owner = `the run in ${folder}`;
  const trained = task.alignClasses(training, names, { owner, needsAll: true });
  const heldOut =
    validation === undefined ? undefined : task.alignClasses(validation, names, { owner });
  const mapped = [trained.line, heldOut?.line].filter((line) => line !== undefined);
  return { training: trained.set, validation: heldOut?.set, lines: [...lines, ...mapped] };
}

/** Class names of the newest checkpoint of a run, if there is one with classes. */
async function classNamesOf(folder: string): Promise<readonly string[] | undefined> {
  const { checkpoint } = await latestValid(join(folder, CHECKPOINTS));
  const card = checkpoint?.state['card'] as { readonly classNames?: readonly string[] } | undefined;
  return card?.classNames;
}
