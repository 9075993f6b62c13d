import type { Command } from 'commander';
import type { ServeOptions } from '../serve/options.js';
import { atLeastZero, engineOptions, fraction, wholeNumber } from './engine-options.js';
import { addModelOptions, addTileOptions, tileOf, type ImageFlags } from './model-options.js';
import { RARE } from './help.js';
import { log, printJson } from './output.js';
import { waitsFor } from './waiting.js';

interface Flags extends Omit<ImageFlags, 'ratios' | 'shard'> {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly score?: number;
  readonly perClassNms: boolean;
  readonly queue: number;
  readonly maxBody: number;
  readonly maxPixels: number;
  readonly maxImages: number;
  readonly timeout: number;
  readonly batchMs?: number;
}

/** `convnextv2 serve` */
export function defineServe(verb: Command): void {
  verb
    .argument(
      '<models...>',
      'run folders, checkpoint or weight files, official names; or NAME=MODEL',
    )
    .option('--port <n>', 'port to listen on (0: any free one)', wholeNumber('--port'), 8080)
    .option('--host <name>', 'address to listen on (0.0.0.0: all)', '127.0.0.1')
    .option('--token <token>', 'token that requests must bear; default: $CONVNEXTV2_TOKEN')
    .option(
      '--score <fraction>',
      "least score of objects (detect; default: the best F1 of the run's validation, or 0.3)",
      fraction('--score'),
    )
    .optionsGroup(RARE)
    .option(
      '--per-class-nms',
      "keep overlapping objects of different classes, as COCO's protocol does (detect)",
      false,
    )
    .optionsGroup('')
    .option('--queue <n>', 'most images that wait or run', wholeNumber('--queue'), 64)
    .option('--max-body <MiB>', 'largest body of a request', wholeNumber('--max-body'), 32)
    .option('--max-pixels <n>', 'largest image', wholeNumber('--max-pixels'), 50_000_000)
    .option('--max-images <n>', 'most images of a request', wholeNumber('--max-images'), 16)
    .option('--timeout <s>', 'longest time of a request', wholeNumber('--timeout'), 30)
    .option(
      '--batch-ms <ms>',
      'longest time that an image waits for others to be predicted with (classify)',
      atLeastZero('--batch-ms'),
    )
    .option('--tta', 'average over mirror images and scales (detect, segment)', false)
    .option('--slide', 'sliding windows instead of whole images (segment)', false);
  addModelOptions(addTileOptions(verb)).action((models: string[], flags: Flags) =>
    run(models, flags),
  );
}

async function run(models: readonly string[], flags: Flags): Promise<void> {
  const { listenForStop } = await import('./stop-signals.js');
  const { startServer } = await import('../serve/server.js');
  const { describeScores } = await import('../inference/detect/shown-scores.js');
  const { task, classes, size, mean, std, crop, ema, cache, offline } = flags;
  const { host, token, maxBody, timeout, perClassNms, tta, slide } = flags;
  const options: ServeOptions = {
    ...flags,
    models,
    token: token ?? process.env['CONVNEXTV2_TOKEN'],
    maxBodyBytes: maxBody * 2 ** 20,
    timeoutMs: 1000 * timeout,
    model: {
      task,
      classes,
      size,
      mean,
      std,
      crop,
      ema,
      cache,
      offline,
      perClassNms,
      tta,
      slide,
      tile: tileOf(flags),
      engine: engineOptions(flags),
    },
    onNotice: log,
  };
  waitsFor('loading the models, building their graphs');
  const server = await startServer(options);
  const stopListening = listenForStop(() => {
    log('stopping: answers the requests that it has');
    void server.close();
  });
  try {
    const ready = await Promise.race([server.ready, server.ended]);
    if (ready) {
      const names = ready.map(({ name }) => name);
      if (options.token === undefined && !/^(127\.|localhost$|::1$)/.test(host))
        log(`warning: ${host} is open to others without a token; --token TOKEN asks for one`);
      for (const { name, scores, classes: known } of ready) {
        const labels = known.map((each) => each.name);
        const line = scores && describeScores(scores, labels);
        if (line !== undefined) log(`${name}: ${line}`);
      }
      log(`serving ${names.join(', ')} at ${server.url} (page /, API /docs)`);
      if (flags.json) printJson({ url: server.url, models: names });
    }
    await server.ended;
  } finally {
    await server.close();
    stopListening();
  }
}
