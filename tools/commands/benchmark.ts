import type { Command } from 'commander';
import type { EngineFlags } from '../engine-options.js';
import { addEngineOptions, engineOptions, wholeNumber } from '../engine-options.js';
import { printJson } from '../output.js';

interface Flags extends EngineFlags {
  readonly model: string;
  readonly batch: number;
  readonly size: number;
  readonly mode: 'infer' | 'train';
  readonly freeze?: boolean;
  readonly repeats: number;
  readonly json?: boolean;
}

/** `convnextv2 benchmark` */
export function registerBenchmark(program: Command): void {
  addEngineOptions(
    program.command('benchmark').description('time a model with random weights on this machine'),
  )
    .option('--model <size>', 'atto … huge', 'tiny')
    .option('--batch <n>', 'images at a time', wholeNumber('--batch'), 8)
    .option('--size <px>', 'side of the images', wholeNumber('--size'), 224)
    .option('--mode <mode>', 'infer or train (forward, backward, AdamW)', 'infer')
    .option('--no-freeze', 'keep the weights as inputs (inference)')
    .option('--repeats <n>', 'timed runs', wholeNumber('--repeats'), 10)
    .option('--json', 'print one JSON document')
    .action((flags: Flags) => run(flags));
}

async function run(flags: Flags): Promise<void> {
  const { ConfigError } = await import('../../core/errors.js');
  if (flags.mode !== 'infer' && flags.mode !== 'train') {
    throw new ConfigError(`--mode: expected infer or train, got ${String(flags.mode)}`);
  }
  if (flags.batch < 1 || flags.size < 32 || flags.repeats < 1) {
    throw new ConfigError('benchmark: expected --batch and --repeats from 1 and --size from 32');
  }
  const { variant } = await import('../../models/classifier-weights.js');
  const { benchmarkClassifier } = await import('../../models/benchmark.js');
  const { openEngine } = await import('../../engine/runtime/engine.js');
  const { measureGemmPeak } = await import('../../engine/runtime/gemm-peak.js');
  const { loadOnnxRuntime, DEFAULT_SESSION_OPTIONS } =
    await import('../../engine/runtime/onnx-runtime.js');
  const config = variant(flags.model);
  const frozen = flags.mode === 'infer' && flags.freeze !== false;
  const engine = await openEngine(engineOptions(flags));
  const gemmPeakGflops = await measureGemmPeak(await loadOnnxRuntime(), {
    ...DEFAULT_SESSION_OPTIONS,
    threads: flags.threads,
    spinning: flags.spin,
  });
  const result = await benchmarkClassifier(engine, {
    config,
    classes: 1000,
    batch: flags.batch,
    sizePx: flags.size,
    mode: flags.mode,
    frozen,
    repeats: flags.repeats,
  });
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const summary = {
    model: flags.model,
    batch: flags.batch,
    sizePx: flags.size,
    mode: flags.mode,
    frozen,
    engine: engine.description,
    ...result,
    gemmPeakGflops,
    shareOfGemmPeak: result.gflops / gemmPeakGflops,
    peakRssBytes,
  };
  if (flags.json) {
    printJson(summary);
    return;
  }
  const { gflops, minMs, medianMs, imagesPerSecond, firstRunMs } = result;
  console.log(
    [
      `${flags.model}, batch ${flags.batch}, ${flags.size} px, ${flags.mode}${frozen ? ', weights frozen' : ''}: ${engine.description}`,
      `  median ${medianMs.toFixed(1)} ms, min ${minMs.toFixed(1)} ms, ${imagesPerSecond.toFixed(1)} images/s (first run ${firstRunMs.toFixed(0)} ms)`,
      `  ${gflops.toFixed(0)} GFLOP/s, ${((100 * gflops) / gemmPeakGflops).toFixed(0)} % of this machine's matrix product (${gemmPeakGflops.toFixed(0)})`,
      `  peak memory ${(peakRssBytes / 2 ** 20).toFixed(0)} MiB`,
    ].join('\n'),
  );
}
