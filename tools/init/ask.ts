import type { Readable, Writable } from 'node:stream';
import type { TaskName } from '../../train/tasks/index.js';
import { examineData, taskOf } from './examine.js';
import { MACHINE_HINTS, MACHINES, type Machine } from './plan.js';

/** Terminal to ask on. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
}

/** Values of the flags, and the kind of this machine. */
export interface Known {
  readonly data: string | undefined;
  readonly task: TaskName | undefined;
  readonly machine: Machine | undefined;
  readonly guess: Machine;
}

/** Answers of a person. */
export interface Answers {
  readonly data: string;
  readonly task: TaskName;
  readonly machine: Machine;
}

const TASK_LABELS: Readonly<Record<TaskName, string>> = {
  detect: 'find objects: boxes and masks',
  segment: 'name every pixel',
  classify: 'name the whole image',
  pretrain: 'pre-train on images without labels',
};

/** Asks for what is not known. @returns undefined if the person gave up */
export async function ask(known: Known, terminal: Terminal): Promise<Answers | undefined> {
  const { intro, isCancel, log, select, text } = await import('@clack/prompts');
  intro('convnextv2 init: a configuration to train with', terminal);
  let { data } = known;
  let tasks: readonly TaskName[] | undefined;
  while (tasks === undefined) {
    if (data === undefined) {
      const answer = await text({
        message: 'Where are your images and labels? (a folder, a data.yaml or a COCO file)',
        placeholder: 'photos/',
        validate: (value) => (value ? undefined : 'expected a path'),
        ...terminal,
      });
      if (isCancel(answer)) return undefined;
      data = answer;
    }
    try {
      const found = await examineData(data);
      taskOf(found, data, known.task);
      ({ tasks } = found);
    } catch (error) {
      if (known.data !== undefined) throw error;
      log.error((error as Error).message, terminal);
      data = undefined;
    }
  }
  const task =
    known.task ??
    (await select({
      message: 'What is the model to do?',
      options: tasks.map((value) => ({ value, label: value, hint: TASK_LABELS[value] })),
      initialValue: tasks[0],
      ...terminal,
    }));
  if (isCancel(task)) return undefined;
  const machine =
    known.machine ??
    (await select({
      message: 'What machine does it train on?',
      options: MACHINES.map((value) => ({ value, label: value, hint: MACHINE_HINTS[value] })),
      initialValue: known.guess,
      ...terminal,
    }));
  if (isCancel(machine)) return undefined;
  return { data: data ?? '', task, machine };
}
