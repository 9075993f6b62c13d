import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
import * as rule from '../core/options.js';
import type { EngineOptions } from '../engine/runtime/engine.js';
import { RARE } from './help.js';
import { PROVIDERS, type Provider } from '../engine/runtime/onnx-runtime.js';

/** Values of the options that {@link addEngineOptions} adds. */
export interface EngineFlags {
  readonly provider?: string;
  readonly threads: number;
  readonly spin: boolean;
  readonly eager?: string;
}

/** Adds `--provider` (or `--device`), `--threads`, `--spin` and `--eager` to a verb. */
export function addEngineOptions(command: Command): Command {
  return command
    .option(
      '--device, --provider <name>',
      'cpu (default), webgpu, cuda; openvino (inference)',
      onlyOne('--device'),
    )
    .option(
      '--threads <n>',
      'threads within an operation (0: one per core)',
      wholeNumber('--threads'),
      0,
    )
    .optionsGroup(RARE)
    .option('--spin', 'let waiting threads spin for longer', false)
    .option(
      '--eager <backend>',
      'run operation by operation on a tfjs backend instead: cpu, wasm or tensorflow',
    )
    .optionsGroup('');
}

/** Largest number of threads for each core: more only wait for each other. */
const MOST_PER_CORE = 16;

/** Returns the engine's options for the flags. @throws ConfigError for unknown names, or flags of another engine */
export function engineOptions({
  provider: device,
  threads,
  spin,
  eager,
}: EngineFlags): EngineOptions {
  const provider = device ?? 'cpu';
  if (eager !== undefined) {
    const others = [
      ...(device === undefined ? [] : [`--device ${device}`]),
      ...(threads > 0 ? [`--threads ${threads}`] : []),
      ...(spin ? ['--spin'] : []),
    ];
    if (others.length > 0)
      throw new OptionError(
        `--eager ${eager}: expected no options of ONNX Runtime beside it, got ${others.join(', ')}; leave out one of both`,
      );
    if (!['cpu', 'wasm', 'tensorflow'].includes(eager)) {
      throw new OptionError(`--eager: expected cpu, wasm or tensorflow, got ${eager}`);
    }
    return { kind: 'eager', tfjsBackend: eager };
  }
  if (!isProvider(provider))
    throw new OptionError(
      `--device, --provider: expected ${PROVIDERS.join(', ')}, got ${provider}${provider === 'gpu' ? '; a GPU is webgpu or cuda' : ''}`,
    );
  const most = MOST_PER_CORE * availableParallelism();
  if (threads > most)
    throw new OptionError(
      `--threads: expected at most ${most} on this machine, ${MOST_PER_CORE} a core, got ${threads}`,
    );
  return { kind: 'compiled', provider, threads, spinning: spin || 'briefly' };
}

const isProvider = (name: string): name is Provider =>
  (PROVIDERS as readonly string[]).includes(name);

/** Accepts a name once; the same name again is no harm. @throws ConfigError for two names */
function onlyOne(flag: string): (text: string, before: string | undefined) => string {
  return (text, before) => {
    if (before === undefined || before === text) return text;
    throw new OptionError(`${flag}: expected one name, got ${before} and ${text}`);
  };
}

/** Creates the parser of a flag's text. The parser throws an OptionError that names the flag. */
type FlagParser<Value> = (flag: string) => (text: string) => Value;

/** Number of a text; `Number` takes blanks for 0. */
const numberOf = (text: string): number => (text.trim() === '' ? NaN : Number(text));

/** Parsers of numbers have the rules of the library's own options. */
const numberBy =
  ({ expected, fits }: rule.OptionRule): FlagParser<number> =>
  (flag) =>
  (text) => {
    const value = numberOf(text);
    if (fits(value)) return value;
    throw new OptionError(`${flag}: expected ${expected}, got ${text}`);
  };

/** Parses a whole number ≥ 0. */
export const wholeNumber = numberBy(rule.wholeFrom(0));
/** Parses a whole number ≥ 1. */
export const countingNumber = numberBy(rule.wholeFrom(1));
/** Parses a number ≥ 0. */
export const atLeastZero = numberBy(rule.AT_LEAST_0);
/** Parses a number above 0. */
export const aboveZero = numberBy(rule.ABOVE_0);
/** Parses a number from 0 to 1. */
export const fraction = numberBy(rule.A_FRACTION);

const numbersThat =
  (expected: string, fit: (values: readonly number[]) => boolean): FlagParser<readonly number[]> =>
  (flag) =>
  (text) => {
    const values = text.split(',').map(numberOf);
    if (fit(values)) return values;
    throw new OptionError(`${flag}: expected ${expected}, got ${text}`);
  };

/** Parses numbers with commas between them. */
export const numberList = numbersThat('numbers with commas between', (values) =>
  values.every(Number.isFinite),
);
/** Parses numbers above 0 with commas between them. */
export const positiveList = numbersThat('numbers above 0 such as 0.5,1,1.5', (values) =>
  values.every(rule.ABOVE_0.fits),
);
/** Parses three numbers with commas between them. */
export const channelList = numbersThat(
  'three numbers such as 0.5,0.5,0.5',
  (values) => values.length === 3 && values.every(Number.isFinite),
);

/** Adds the text of an option that may be repeated to those before it. */
export const collected = (text: string, all: readonly string[]): readonly string[] => [
  ...all,
  text,
];
