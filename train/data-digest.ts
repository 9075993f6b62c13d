import { createHash, type Hash } from 'node:crypto';
import type { Task, TrainingData } from './tasks/task.js';

/**
 * SHA-256, hexadecimal, of what the tasks know of the sets of a run without reading images: names of files, classes,
 * annotations, sizes of label files. Pixels and paths of folders are not in it.
 */
export function dataDigest(task: Task, { training, validation }: TrainingData<unknown>): string {
  const hash = createHash('sha256');
  for (const set of validation === undefined ? [training] : [training, validation]) {
    const parts = task.content(set);
    addText(hash, String(parts.length));
    for (const part of parts) {
      addText(hash, String(ArrayBuffer.isView(part) ? part.byteLength : part.length));
      if (ArrayBuffer.isView(part))
        hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
      else for (const text of part) addText(hash, text);
    }
  }
  return hash.digest('hex');
}

/** Adds a text behind its length, so that no two lists are the same text. */
function addText(hash: Hash, text: string): void {
  hash.update(`${text.length}:${text}`);
}
