import * as tf from '@tensorflow/tfjs';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { CompilerTarget, GradientTarget } from '../../engine/runtime/compiled.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../engine/runtime/compiled.js';
import { EagerProgram } from '../../engine/runtime/eager.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import { probeLowering } from '../../engine/runtime/probe.js';
import type { Executable, Program } from '../../engine/runtime/program.js';

/** The tfjs backend of 'eager cpu': another one in `npm run test:tensorflow`. */
export const EAGER_BACKEND = process.env['CONVNEXTV2_TEST_EAGER'] ?? 'cpu';

/** The ways to run a program that must agree. */
export const RUNTIMES = ['eager cpu', 'compiled', 'compiled portable'] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

let target: Promise<CompilerTarget> | undefined;

async function compilerTarget(): Promise<CompilerTarget> {
  const runtime = await loadOnnxRuntime();
  return { runtime, lowering: await probeLowering(runtime) };
}

/** Prepares a program on one of the runtimes. */
export async function executable(
  name: RuntimeName,
  program: Program,
  store: ParameterStore,
  gradients?: GradientTarget,
): Promise<Executable> {
  if (name === 'eager cpu') {
    tf.env().set('PROD', true); // silences tfjs's hint to install its native package
    return new EagerProgram(EAGER_BACKEND, program, store, gradients);
  }
  target ??= compilerTarget();
  const { runtime, lowering } = await target;
  const chosen: CompilerTarget = {
    runtime,
    lowering: name === 'compiled' ? lowering : { kind: 'portable' },
  };
  return new CompiledProgram(chosen, program, store, gradients, DEFAULT_COMPILE_OPTIONS);
}
