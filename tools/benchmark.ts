import type { Command } from 'commander';
import type { EngineFlags } from './engine-options.js';
import { addEngineOptions, engineOptions, wholeNumber } from './engine-options.js';
import { print, printJson } from './output.js';
import { waitsFor } from './waiting.js';

interface Flags extends EngineFlags {
  readonly task: string;
  readonly model: string;
  readonly mode: string;
  readonly repeats: number;
  readonly batch?: number;
  readonly size?: number;
  readonly freeze?: boolean;
  readonly json?: boolean;
}

/** `convnextv2 benchmark` */
export function defineBenchmark(verb: Command): void {
  addEngineOptions(verb)
    .option('--task <task>', 'classify, detect, segment', 'classify')
    .option('--model <size>', 'atto … huge', 'tiny')
    .option(
      '--batch <n>',
      'images at a time (default: 8; detect, segment: 1)',
      wholeNumber('--batch'),
    )
    .option(
      '--size <px>',
      'side of the images (default: 224; detect: 800, the short side; segment: 512)',
      wholeNumber('--size'),
    )
    .option('--mode <mode>', 'infer or train (forward, backward, AdamW)', 'infer')
    .option('--no-freeze', 'keep the weights as inputs (inference)')
    .option('--repeats <n>', 'timed runs', wholeNumber('--repeats'), 10)
    .option('--json', 'print one JSON document')
    .action((flags: Flags) => run(flags));
}

async function run(flags: Flags): Promise<void> {
  const { OptionError } = await import('../core/errors.js');
  const { TASKS } = await import('../train/tasks/index.js');
  const { variant } = await import('../backbone/variants.js');
  const { openEngine } = await import('../engine/runtime/engine.js');
  const { mode, model, repeats } = flags;
  if (mode !== 'infer' && mode !== 'train')
    throw new OptionError(`--mode: expected infer or train, got ${mode}`);
  const tasks = Object.values(TASKS).filter(({ benchmark }) => benchmark !== undefined);
  const { name: task, benchmark } = tasks.find(({ name }) => name === flags.task) ?? {};
  if (!benchmark)
    throw new OptionError(
      `--task: expected one of ${tasks.map(({ name }) => name).join(', ')}, got ${flags.task}`,
    );
  const { batch = benchmark.defaults.batch, size = benchmark.defaults.sizePx } = flags;
  if (batch < 1 || size < 32 || repeats < 1)
    throw new OptionError('benchmark: expected --batch and --repeats from 1 and --size from 32');
  const backbone = variant(model);
  if (task === 'detect' && mode === 'infer' && batch !== 1)
    throw new OptionError(`--batch: expected 1 for the inference of detectors, got ${batch}`);
  const engine = await openEngine(engineOptions(flags));
  const frozen = mode === 'infer' && flags.freeze !== false && engine.freezes === true;
  const gemmPeakGflops = await gemmPeak(flags);
  const request = { backbone, mode, repeats, batch, sizePx: size, frozen } as const;
  waitsFor('building the graph, measuring');
  const { notes, ...result } = await benchmark.run(engine, request);
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const { gflops, minMs, medianMs, imagesPerSecond, firstRunMs } = result;
  if (flags.json) {
    printJson({
      task,
      model,
      batch,
      sizePx: size,
      mode,
      frozen,
      engine: engine.description,
      ...result,
      gemmPeakGflops,
      shareOfGemmPeak: gflops / gemmPeakGflops,
      peakRssBytes,
    });
    return;
  }
  print(
    [
      `${task} ${model}, batch ${batch}, ${size} px, ${mode}${frozen ? ', weights frozen' : ''}: ${engine.description}`,
      `  median ${medianMs.toFixed(1)} ms, min ${minMs.toFixed(1)} ms, ${imagesPerSecond.toFixed(1)} images/s (first run ${firstRunMs.toFixed(0)} ms)`,
      `  ${gflops.toFixed(0)} GFLOP/s, ${((100 * gflops) / gemmPeakGflops).toFixed(0)} % of this machine's matrix product (${gemmPeakGflops.toFixed(0)})`,
      ...notes.map((note) => `  ${note}`),
      `  peak memory ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB`,
    ].join('\n'),
  );
}

async function gemmPeak({ threads, spin }: EngineFlags): Promise<number> {
  const { measureGemmPeak } = await import('../engine/runtime/gemm-peak.js');
  const { loadOnnxRuntime } = await import('../engine/runtime/load-runtime.js');
  const { DEFAULT_SESSION_OPTIONS } = await import('../engine/runtime/onnx-runtime.js');
  const options = { ...DEFAULT_SESSION_OPTIONS, threads, spinning: spin };
  return measureGemmPeak(await loadOnnxRuntime(), options);
}
