import type { RecipeConfig } from '../config/schemas.js';
import { classify } from './classify.js';
import { detect } from './detect.js';
import { pretrain } from './pretrain.js';
import { segment } from './segment.js';
import type { Task } from './task.js';

/** Name of a task. */
export type TaskName = RecipeConfig['task'];

/** Tasks by name. */
export const TASKS: Readonly<Record<TaskName, Task>> = { classify, detect, segment, pretrain };
