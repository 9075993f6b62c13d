import type { Command } from 'commander';

/** Verb of the command line, as the list of verbs names it; its module has the arguments, options and action. */
export interface Verb {
  readonly name: string;
  readonly description: string;
  /** Resolves to what defines the verb. */
  readonly load: () => Promise<(verb: Command) => void>;
}

/**
 * All verbs, in the order of the list. Only the module of the called one is loaded, and that imports its computation inside
 * its action, so that neither the list of verbs nor a refused option loads tfjs or ONNX Runtime.
 */
export const VERBS: readonly Verb[] = [
  {
    name: 'benchmark',
    description: 'time a model with random weights on this machine',
    load: async () => (await import('./benchmark.js')).defineBenchmark,
  },
  {
    name: 'predict',
    description: 'classify, detect or segment image files',
    load: async () => (await import('./predict.js')).definePredict,
  },
  {
    name: 'export',
    description:
      'write a model as one ONNX file, checked against our output, or as a page that runs it in the browser',
    load: async () => (await import('./export.js')).defineExport,
  },
  {
    name: 'eval',
    description: 'run a model over a data set and score it',
    load: async () => (await import('./eval.js')).defineEval,
  },
  {
    name: 'compare',
    description: 'score models on the same images, and say whether they differ by more than chance',
    load: async () => (await import('./compare.js')).defineCompare,
  },
  {
    name: 'init',
    description: 'ask for data, task and machine, and write a configuration with comments',
    load: async () => (await import('./init.js')).defineInit,
  },
  {
    name: 'train',
    description: 'train by recipe: classify, detect, segment, pre-train',
    load: async () => (await import('./train.js')).defineTrain,
  },
  {
    name: 'config',
    description: 'recipes, and the configuration that a run would have',
    load: async () => (await import('./config.js')).defineConfig,
  },
  {
    name: 'analyze',
    description: 'look into models and runs: collapse, errors, flops, logs',
    load: async () => (await import('./analyze.js')).defineAnalyze,
  },
  {
    name: 'data',
    description: 'check, count, browse, divide, convert and generate data sets',
    load: async () => (await import('./data.js')).defineData,
  },
  {
    name: 'doctor',
    description: 'what this machine offers, what is missing, and the command that adds it',
    load: async () => (await import('./doctor.js')).defineDoctor,
  },
  {
    name: 'demo',
    description:
      'generate images with COCO annotations, train a small detector on them, score it and draw what it finds: five to six minutes',
    load: async () => (await import('./demo.js')).defineDemo,
  },
  {
    name: 'score',
    description: 'score result files, without a model',
    load: async () => (await import('./score.js')).defineScore,
  },
  {
    name: 'serve',
    description: 'answer images over HTTP, with a page at / and the API at /docs',
    load: async () => (await import('./serve.js')).defineServe,
  },
  {
    name: 'weights',
    description: 'official weight files, all containers and naming schemes',
    load: async () => (await import('./weights.js')).defineWeights,
  },
  {
    name: 'completion',
    description: 'print a script that completes verbs and options in bash, zsh or fish',
    load: async () => (await import('./completion.js')).defineCompletion,
  },
];

/** Adds verbs to a program. @param called names of those that get their arguments, options and action; default: all */
export async function addVerbs(
  program: Command,
  called: readonly string[] = VERBS.map(({ name }) => name),
): Promise<void> {
  for (const { name, description, load } of VERBS) {
    const verb = program.command(name).description(description);
    if (called.includes(name)) (await load())(verb);
  }
}
