import { sha256Of } from '../io/files/sha256.js';
import type { Task, TrainingData } from './tasks/task.js';

/** SHA-256, hexadecimal, of the names, classes and annotations of the sets of a run; pixels and paths of folders are not in it. */
export function dataDigest(task: Task, { training, validation }: TrainingData<unknown>): string {
  const sets = validation === undefined ? [training] : [training, validation];
  const parts = sets.map((set) =>
    task
      .content(set)
      .map((part) => sha256Of(ArrayBuffer.isView(part) ? part : JSON.stringify(part))),
  );
  return sha256Of(JSON.stringify(parts));
}
