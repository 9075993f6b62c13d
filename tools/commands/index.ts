import type { Command } from 'commander';
import { registerBenchmark } from './benchmark.js';

/**
 * One entry a verb. A command module holds its options and imports what it computes with inside its
 * action, so that listing the verbs loads neither tfjs nor ONNX Runtime.
 */
export const COMMANDS: readonly ((program: Command) => void)[] = [registerBenchmark];
