import { basename } from 'node:path';
import {
  useLine,
  type PartPurpose,
  type PartUse,
  type TrainingNeeds,
} from '../datasets/part-use.js';
import { ProblemLog, type Finding } from '../datasets/problems.js';
import type { RecipeConfig } from './config/schemas.js';
import type { ShardedWorkOptions } from './distributed/sharded-work.js';

/** Verdict on one part of a set. */
export interface PartVerdict extends PartUse {
  /** Name for people, e.g. `training`. */
  readonly part: string;
  readonly findings: readonly Finding[];
  /** Whether there is any error. */
  readonly refused: boolean;
}

/** Verdict on the data of a run. */
export interface Verdict {
  readonly parts: readonly PartVerdict[];
  /** Whether a detector is trained without masks, because the data has none. */
  readonly boxesOnly: boolean;
  /** Lines for people: what is left out, warnings, and what the data changes. */
  readonly lines: readonly string[];
  /** @throws DataError with the first error and the number of others */
  throwErrors(): void;
}

/** Purpose and depth of an inspection. */
export interface InspectRequest {
  readonly purpose: PartPurpose;
  readonly needs: TrainingNeeds;
  /** Depth of the inspection of the image files. */
  readonly images: 'none' | 'headers' | 'pixels';
}

/** Used part of a set, with the findings about it. */
export interface InspectedSet {
  readonly use: PartUse;
  /** Whether masks are wanted and no object has one. */
  readonly boxesOnly?: boolean | undefined;
  /** Findings about the records, from loading. */
  readonly known?: readonly Finding[] | undefined;
}

/** Inspection of the sets of a task. */
type Inspect<Set> = (set: Set, request: InspectRequest, log: ProblemLog) => Promise<InspectedSet>;

/** Settings of a run that decide what it can use. */
export function needsOf(config: RecipeConfig): TrainingNeeds {
  switch (config.task) {
    case 'detect':
      return {
        masks: config.detector.masks !== null,
        keepEmpty: config.keepEmpty ?? false,
        limits: config.evaluation.limits,
      };
    case 'segment':
      return { masks: false, keepEmpty: true, limits: config.evaluation.limits };
    case 'classify':
    case 'pretrain':
      return { masks: false, keepEmpty: true };
    default:
      return config satisfies never;
  }
}

/**
 * Decides before any computation what a run uses of its data, what it leaves out, and whether it can learn at all. Looks
 * at the header of every image. `data check` has the same rules.
 */
export async function inspectForTraining<Set>(
  { training, validation }: { readonly training: Set; readonly validation?: Set | undefined },
  task: { readonly inspect?: Inspect<Set> | undefined },
  config: RecipeConfig,
  images: InspectRequest['images'] = 'headers',
): Promise<Verdict> {
  const { inspect } = task;
  if (!inspect) return verdictOf([]);
  const needs = needsOf(config);
  const trained = await inspectPart('training', training, inspect, {
    purpose: 'training',
    needs,
    images,
  });
  if (validation === undefined || validation === training) return verdictOf([trained]);
  const heldOut = await inspectPart('validation', validation, inspect, {
    purpose: 'evaluation',
    images,
    needs: { ...needs, masks: needs.masks && !trained.boxesOnly },
  });
  return verdictOf([trained, heldOut]);
}

/**
 * {@link inspectForTraining} of one set that a model is evaluated on. Tells what is left out.
 *
 * @param part name for people
 * @throws DataError if the set cannot be used
 */
export async function inspectForEvaluation<Set>(
  part: string,
  set: Set,
  needs: TrainingNeeds,
  { inspect, onNotice }: Pick<ShardedWorkOptions, 'onNotice'> & { readonly inspect: Inspect<Set> },
): Promise<void> {
  const request = { purpose: 'evaluation', needs, images: 'headers' } as const;
  const { lines, throwErrors } = verdictOf([await inspectPart(part, set, inspect, request)]);
  lines.forEach((line) => onNotice?.(line));
  throwErrors();
}

/** A verdict with the log of its errors. */
interface LoggedVerdict {
  readonly verdict: PartVerdict;
  readonly boxesOnly: boolean;
  readonly log: ProblemLog;
}

async function inspectPart<Set>(
  part: string,
  set: Set,
  inspect: Inspect<Set>,
  request: InspectRequest,
): Promise<LoggedVerdict> {
  const log = new ProblemLog();
  const { use, boxesOnly = false, known = [] } = await inspect(set, request, log);
  const findings = [...known, ...log.findings()];
  const verdict = { ...use, part, findings, refused: log.count('error') > 0 };
  return { verdict, boxesOnly, log };
}

function verdictOf(parts: readonly LoggedVerdict[]): Verdict {
  const boxesOnly = parts.some((part) => part.boxesOnly && part.verdict.part === 'training');
  return {
    parts: parts.map(({ verdict }) => verdict),
    boxesOnly,
    lines: [
      ...(boxesOnly ? ['no object has a mask: training boxes only (detector.masks=null)'] : []),
      ...parts.flatMap(({ verdict }) => linesOf(verdict)),
    ],
    throwErrors: () => parts.forEach(({ log }) => log.throwErrors()),
  };
}

function linesOf(verdict: PartVerdict): readonly string[] {
  const { part, leftOut, findings } = verdict;
  const said = new Set(leftOut.map(({ reason }) => reason));
  const warnings = findings.filter(
    ({ severity, code }) => severity === 'warning' && !said.has(code),
  );
  return [
    ...(leftOut.length > 0 ? [`${part}: ${useLine(verdict)}`] : []),
    ...warnings.map((finding) => `warning: ${part}: ${warningLine(finding)}`),
  ];
}

/** `3 x area-box: areas larger than their box (instances_train.json: annotations[1] (id 2): …, and 2 more)`. */
function warningLine({ code, meaning, count, examples }: Finding): string {
  const [{ file, message }] = examples;
  const where = file === '' || message.startsWith(file) ? '' : `${basename(file)}: `;
  const more = count > 1 ? `, and ${count - 1} more` : '';
  return `${count} x ${code}: ${meaning} (${where}${message}${more})`;
}
