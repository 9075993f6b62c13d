import type { RecipeConfig } from '../config/schemas.js';
import { classify } from './classify.js';
import { detect } from './detect.js';
import { pretrain } from './pretrain.js';
import { segment } from './segment.js';
import type { Task } from './task.js';

/** The name of a task; there are no other ones. */
export type TaskName = RecipeConfig['task'];

/** The tasks by name. */
export const TASKS: Readonly<Record<TaskName, Task>> = { classify, detect, segment, pretrain };
