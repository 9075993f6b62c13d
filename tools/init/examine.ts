import { existsSync, statSync } from 'node:fs';
import { DataError, LayoutError } from '../../core/errors.js';
import { readTables } from '../../datasets/annotations/read.js';
import { hasMask } from '../../datasets/coco/inspect-set.js';
import { findLayout } from '../../datasets/layout/detect.js';
import { errorAsValue } from '../../datasets/problems.js';
import type { DataLayout, DetectionData } from '../../datasets/layout/types.js';
import { imagesBelow } from '../../io/files/images.js';
import type { TaskName } from '../../train/tasks/index.js';
import { TASK_OF } from '../data-options.js';

/** Data that were found: the tasks that can be trained on them, likeliest first, and a line for each. */
export interface FoundData {
  readonly tasks: readonly TaskName[];
  readonly lines: Readonly<Partial<Record<TaskName, string>>>;
}

/**
 * Finds out what a data set is for. Objects with masks can be segmented, too, and a folder of images always be
 * pre-trained on.
 *
 * @throws DataError, ConfigError if there is no data set, or it is ambiguous or damaged
 */
export async function examineData(path: string): Promise<FoundData> {
  const numImages = countImages(path);
  let data: DataLayout | undefined;
  try {
    data = await findLayout(path, { several: true });
  } catch (error) {
    if (numImages === 0 || !(error instanceof DataError)) throw error;
  }
  const task = data && TASK_OF[data.kind];
  const lines: Partial<Record<TaskName, string>> = {
    ...(data && task && { [task]: data.line }),
    ...(data?.kind === 'detection' && (await hasOutlines(data)) && { segment: data.line }),
    ...(numImages > 0 && { pretrain: `${numImages} images below ${path}` }),
  };
  return { tasks: Object.keys(lines) as TaskName[], lines };
}

/** Whether objects have masks or polygons, which labels of pixels are drawn from. */
async function hasOutlines({ splits }: DetectionData): Promise<boolean> {
  for (const source of Object.values(splits)) {
    const read = await errorAsValue(readTables(source, () => undefined, { masks: false }));
    if (read instanceof DataError) return false; // training says what is wrong
    if (read.annotations.ids.some((_, row) => hasMask(read.annotations, row))) return true;
  }
  return false;
}

/** The task that was asked for, if the data are for it, or the likeliest. @throws DataError if they are not */
export function taskOf({ tasks }: FoundData, path: string, asked: TaskName | undefined): TaskName {
  if (asked === undefined || tasks.includes(asked)) return asked ?? tasks[0];
  throw LayoutError.in(path, `expected data to ${asked}, got a set to ${tasks.join(' or ')}`);
}

function countImages(path: string): number {
  if (!existsSync(path) || !statSync(path).isDirectory()) return 0;
  return imagesBelow(path).images.length;
}
