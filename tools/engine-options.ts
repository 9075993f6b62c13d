import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
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
    throw new OptionError(`--provider: expected ${PROVIDERS.join(', ')}, got ${provider}`);
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

/** Parses a whole number ≥ 0. */
export function wholeNumber(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 0) return value;
    throw new OptionError(`${flag}: expected a whole number from 0, got ${text}`);
  };
}

/** Parses a whole number ≥ 1. */
export function countingNumber(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1) return value;
    throw new OptionError(`${flag}: expected a whole number from 1, got ${text}`);
  };
}

/** Parses a number ≥ 0. */
export function atLeastZero(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && Number.isFinite(value)) return value;
    throw new OptionError(`${flag}: expected a number from 0, got ${text}`);
  };
}

/** Parses a number above 0. */
export function aboveZero(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
    throw new OptionError(`${flag}: expected a number above 0, got ${text}`);
  };
}

/** Parses a number from 0 to 1. */
export function fraction(flag: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && value <= 1) return value;
    throw new OptionError(`${flag}: expected a number from 0 to 1, got ${text}`);
  };
}

/** Parses numbers above 0 with commas between them. */
export function numberList(flag: string): (text: string) => readonly number[] {
  return (text) => {
    const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
    if (values.every((value) => value > 0 && Number.isFinite(value))) return values;
    throw new OptionError(`${flag}: expected numbers above 0 such as 0.5,1,1.5, got ${text}`);
  };
}

/** Parses three numbers with commas between them. */
export function channelList(flag: string): (text: string) => readonly number[] {
  return (text) => {
    const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
    if (values.length === 3 && values.every(Number.isFinite)) return values;
    throw new OptionError(`${flag}: expected three numbers such as 0.5,0.5,0.5, got ${text}`);
  };
}
