import { relative } from 'node:path';
import { stringify } from 'yaml';
import { shellWord } from '../../core/shell-word.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { MACHINE_HINTS, planConfig, type Choices, type ConfigPlan } from './plan.js';

const DOING: Readonly<Record<Choices['task'], string>> = {
  classify: 'Classify images',
  detect: 'Detect objects',
  segment: 'Segment images',
  pretrain: 'Pre-train on images without labels',
};

/** Configuration that `init` wrote. */
export interface WrittenConfig extends Choices {
  readonly file: string;
  /** Line about the data. */
  readonly line: string;
  readonly recipe: string;
  readonly weights: string | null;
  /** Command that trains with the file. */
  readonly command: string;
}

/** Writes a configuration with comments, which `train` reads. @param line line about the layout of the data */
export function writeConfig(
  choices: Choices,
  { file, line }: { readonly file: string; readonly line: string },
): WrittenConfig {
  const plan = planConfig(choices);
  const command = [
    `npx convnextv2 train ${shown(file)} --data ${shown(choices.data)} --out runs/${choices.task}`,
    ...(plan.weights === undefined ? [] : [`--weights ${plan.weights}`]),
  ].join(' ');
  const written = { ...choices, file, line, recipe: plan.recipe, command };
  const document = { ...written, weights: plan.weights ?? null };
  writeAtomicallySync(file, configText(document, plan));
  return document;
}

function configText(written: WrittenConfig, { settings }: ConfigPlan): string {
  const { task, line, machine, file, command, recipe, weights } = written;
  const about = [
    `${DOING[task]} · written by convnextv2 init; every line may be changed.`,
    `Data:    ${line}`,
    `Machine: ${machine} (${MACHINE_HINTS[machine]})`,
    '',
    `Train:   ${command}`,
    '         --minutes 30 lays it out for half an hour; --overfit 8 shows in two minutes whether the set can be learned.',
    `Values:  npx convnextv2 config print ${shown(file)} (all of them; those of files with their names)`,
    ...(weights === null
      ? []
      : [
          `Weights: ${weights} is pulled once; CC-BY-NC 4.0: not for commercial use. Training from scratch,`,
          '         without --weights, takes far longer.',
        ]),
  ];
  const header = about.map((text) => `# ${text}`.trimEnd()).join('\n');
  const body = [
    [
      'Recipe whose values hold for all that is not below (convnextv2 config list).',
      { extends: recipe },
    ],
    ...settings.map(({ path, value, why }) => [why, { [path]: value }] as const),
  ].map(([why, value]) => `# ${String(why)}\n${stringify(value)}`);
  return [header, ...body].join('\n\n').replaceAll('\n\n\n', '\n\n');
}

/** A path as one types it. */
function shown(path: string): string {
  const near = relative('.', path);
  const short = near !== '' && near.length < path.length && !near.startsWith('..') ? near : path;
  return shellWord(short);
}
