import type { Command } from 'commander';
import { registerBenchmark } from './benchmark.js';
import { registerPredict } from './predict.js';
import { registerInit } from './init.js';
import { registerExport } from './export.js';
import { registerEval } from './eval.js';
import { registerCompare } from './compare.js';
import { registerTrain } from './train.js';
import { registerConfig } from './config.js';
import { registerAnalyze } from './analyze.js';
import { registerData } from './data.js';
import { registerDoctor } from './doctor.js';
import { registerDemo } from './demo.js';
import { registerScore } from './score.js';
import { registerServe } from './serve.js';
import { registerCompletion } from './completion.js';
import { registerWeights } from './weights.js';

/**
 * One entry per verb. A command module contains the options and imports its computation inside its action, so that
 * listing the verbs loads neither tfjs nor ONNX Runtime.
 */
export const COMMANDS: readonly ((program: Command) => void)[] = [
  registerBenchmark,
  registerPredict,
  registerExport,
  registerEval,
  registerCompare,
  registerInit,
  registerTrain,
  registerConfig,
  registerAnalyze,
  registerData,
  registerDoctor,
  registerDemo,
  registerScore,
  registerServe,
  registerWeights,
  registerCompletion,
];
