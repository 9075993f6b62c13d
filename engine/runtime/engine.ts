import { availableParallelism } from 'node:os';
import { assertObject, describedValue } from '../../core/arguments.js';
import { EngineError } from '../../core/errors.js';
import { rethrowInOptionWords } from '../../core/option-words.js';
import * as rule from '../../core/options.js';
import type { ParameterStore } from '../parameters/store.js';
import type { CompilerTarget, GradientTarget } from './compiled.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from './compiled.js';
import { EagerProgram } from './eager.js';
import { loadOnnxRuntime } from './load-runtime.js';
import { PROVIDERS, type OnnxRuntime, type Provider, type Spinning } from './onnx-runtime.js';
import { openVinoRuntime } from './openvino.js';
import { SessionMemory } from './session-memory.js';
import { startTfjsBackend } from './tfjs-backend.js';
import { probeLowering } from './probe.js';
import type { Executable, Program } from './program.js';

/** Choice of the engine, its device and its number of threads. */
export type EngineOptions =
  | {
      readonly kind: 'compiled';
      readonly provider: Provider;
      /** 0: one per core. */
      readonly threads: number;
      /** See {@link SessionOptions}. */
      readonly spinning: Spinning;
      /** Memory for open sessions in bytes; default: a quarter of what is available when the engine opens. */
      readonly sessionBytes?: number | undefined;
      /** Disables the native package or the blocked kernels, for comparisons and tests. */
      readonly runtime?: 'native' | 'wasm' | undefined;
      readonly lowering?: 'portable' | undefined;
    }
  | { readonly kind: 'eager'; readonly tfjsBackend: string };

type CompiledEngineOptions = Extract<EngineOptions, { readonly kind: 'compiled' }>;

/** Default engine: compiled, on all cores of the CPU. */
export const DEFAULT_ENGINE: EngineOptions = {
  kind: 'compiled',
  provider: 'cpu',
  threads: 0,
  spinning: 'briefly',
};

/** Options of loading one program. */
export interface PrepareOptions {
  readonly gradients?: GradientTarget | undefined;
  /** Stores a copy of the weights in the graph: fastest for many runs of one shape; ignored by the eager engine. */
  readonly frozen?: boolean | undefined;
}

/** An engine that runs programs. */
export interface Engine {
  /** Description in one line for people, e.g. package, device and threads. */
  readonly description: string;
  /** Whether `frozen` programs hold a copy of the weights. */
  readonly freezes?: boolean | undefined;
  /** Prepares a program for execution with the parameters of a store. */
  prepare(program: Program, store: ParameterStore, options?: PrepareOptions): Executable;
  /**
   * Lets threads that wait for an operation sleep from now on, because other work needs the cores; open sessions are opened
   * anew. Absent in engines without such threads.
   */
  readonly stopSpinning?: (() => Promise<void>) | undefined;
}

const EAGER_RULES: rule.OptionRules<Extract<EngineOptions, { readonly kind: 'eager' }>> = {
  kind: rule.ANYTHING,
  tfjsBackend: rule.A_TEXT,
};

const COMPILED_RULES: rule.OptionRules<CompiledEngineOptions> = {
  kind: rule.ANYTHING,
  provider: rule.ANYTHING,
  threads: rule.wholeFrom(0),
  spinning: rule.ruled('true, false or briefly', (v) =>
    [true, false, 'briefly'].includes(v as string),
  ),
  sessionBytes: rule.ANYTHING,
  runtime: rule.oneWord('native', 'wasm'),
  lowering: rule.oneWord('portable'),
};

/**
 * Checks the choice of an engine as far as it can be done without opening it.
 *
 * @throws EngineError for unknown options or values
 */
export function assertEngine(choice: Engine | Partial<EngineOptions>): void {
  assertObject('openEngine', 'an engine or its options', choice);
  if ('prepare' in choice) {
    if (typeof (choice.prepare as unknown) === 'function') return;
    throw new EngineError('openEngine: expected an engine or its options, got another object');
  }
  const { kind = DEFAULT_ENGINE.kind } = choice;
  if (!['compiled', 'eager'].includes(kind))
    throw new EngineError(`engine.kind: expected compiled or eager, got ${describedValue(kind)}`);
  const source = { prefix: 'engine.', Refusal: EngineError };
  if (kind === 'eager') rule.assertOptions('engine', choice, EAGER_RULES, source);
  else rule.assertOptions('engine', choice, COMPILED_RULES, source);
  const { provider, sessionBytes } = choice as Partial<CompiledEngineOptions>;
  if (provider !== undefined && !PROVIDERS.includes(provider))
    throw new EngineError(
      `engine.provider: expected ${PROVIDERS.join(', ')}, got ${String(provider)}`,
    );
  if (sessionBytes !== undefined && !(typeof sessionBytes === 'number' && sessionBytes >= 0))
    throw new EngineError(
      `engine.sessionBytes: expected a number of bytes from 0, got ${String(sessionBytes)}`,
    );
}

/**
 * Opens an engine.
 *
 * @param choice an open engine, which is returned, or options; omitted ones are those of {@link DEFAULT_ENGINE}
 * @throws ConfigError for unknown names, or with the install command if the engine is not installed
 *
 * @example
 *   ```ts
 *   const engine = await openEngine({ threads: 1 });
 *   const model = await loadModel('RUN', { engine }); // several models may share it
 *   console.log(engine.description);
 *   await model.release();
 *   ```
 */
export function openEngine(choice: Engine | Partial<EngineOptions> = {}): Promise<Engine> {
  return openedEngine(choice).catch(rethrowInOptionWords);
}

async function openedEngine(choice: Engine | Partial<EngineOptions>): Promise<Engine> {
  assertEngine(choice);
  if ('prepare' in choice) return choice;
  const given = Object.entries(choice).filter(([, value]) => value !== undefined);
  const options = { ...DEFAULT_ENGINE, ...Object.fromEntries(given) } as EngineOptions;
  if (options.kind === 'eager') {
    const backend = await startTfjsBackend(options.tfjsBackend);
    return eagerEngine(options.tfjsBackend, backend);
  }
  const runtime = await runtimeFor(options);
  const lowering =
    options.provider === 'cpu' && options.lowering !== 'portable'
      ? await probeLowering(runtime)
      : ({ kind: 'portable' } as const);
  const target: CompilerTarget = { runtime, lowering };
  const { provider, threads, sessionBytes } = options;
  let { spinning } = options;
  const memory = new SessionMemory(sessionBytes ?? runtime.sessionBytes);
  return {
    description: DESCRIPTIONS[runtime.kind](
      provider,
      lowering.kind === 'cpu' ? `blocks of ${lowering.blockSize}` : 'standard operators',
    ),
    freezes: true,
    prepare: (program, store, { gradients, frozen = false } = {}) => {
      if (gradients && runtime.kind === 'openvino')
        throw new EngineError(
          `provider openvino: expected a program without gradients, got ${program.name}; train with --provider cpu`,
        );
      return new CompiledProgram(target, program, store, gradients, {
        ...DEFAULT_COMPILE_OPTIONS,
        provider,
        threads,
        get spinning() {
          return spinning;
        },
        frozen,
        memory,
      });
    },
    stopSpinning: async () => {
      if (spinning === false) return;
      spinning = false;
      await memory.makeRoom(Infinity);
    },
  };
}

const DESCRIPTIONS: Readonly<
  Record<OnnxRuntime['kind'], (provider: Provider, kernels: string) => string>
> = {
  native: (provider, kernels) => `ONNX Runtime (${provider}, ${kernels})`,
  wasm: () =>
    'onnxruntime-web: onnxruntime-node is not installed, so this runs on one thread and slower; npx convnextv2 doctor --fix adds it',
  openvino: () => 'OpenVINO (CPU, float32)',
};

async function runtimeFor(options: CompiledEngineOptions): Promise<OnnxRuntime> {
  const { provider, threads } = options;
  if (provider === 'openvino') return openVinoRuntime({ threads }, availableParallelism());
  return loadOnnxRuntime(options.runtime);
}

/**
 * The same choice for a process whose loaders need the cores as well: waiting threads do not spin, unless that was asked
 * for.
 */
export function besideLoaders(
  choice: Engine | Partial<EngineOptions> = {},
): Engine | Partial<EngineOptions> {
  if ('prepare' in choice || choice.kind === 'eager') return choice;
  const { spinning } = choice as Partial<CompiledEngineOptions>;
  return spinning === true ? choice : { ...choice, spinning: false };
}

function eagerEngine(backend: string, name: string): Engine {
  return {
    description: `tfjs ${name}, operation by operation`,
    freezes: false,
    prepare: (program, store, { gradients } = {}) =>
      new EagerProgram(backend, program, store, gradients),
  };
}
