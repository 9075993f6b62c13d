import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { variant } from '../backbone/variants.js';
import { ConfigError } from '../core/errors.js';
import { evaluationResize } from '../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../datasets/transforms/normalize.js';
import { ParameterStore } from '../engine/parameters/store.js';
import type { ModelCard } from '../inference/card.js';
import { convertModel } from '../inference/convert.js';
import { exportOnnx } from '../inference/export/export-onnx.js';
import { load } from '../inference/open.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { createClassifier } from '../models/classifier.js';
import { saveCheckpoint } from '../weights/checkpoint.js';
import { PEER_ALLOCATOR } from './peer-allocator.js';
import { SCORE } from './serve-cases.js';
import { TIMEOUT_S, type Target } from './serve-load.js';

const NUM_CLASSES = 100;
const INPUT_SIZE = 224;
/** Large head, so that probabilities differ. */
const HEAD_SCALE = 30;
const START_MS = 120_000;

/** A started server. */
export interface Started extends Target {
  /** Ends it. @returns its exit code, null after a signal */
  stop(): Promise<number | null>;
}

/** Saves a classifier of a published size with random weights as a run folder. @returns its path */
export async function randomClassifier(folder: string, size: string): Promise<string> {
  const backbone = variant(size);
  const model = createClassifier({ backbone, classes: NUM_CLASSES, headInitScale: HEAD_SCALE });
  const store = new ParameterStore(model.specs);
  store.initialize(1);
  const card: ModelCard = {
    ...{ task: 'classify', backbone, pixels: IMAGENET_PIXELS },
    classNames: Array.from({ length: NUM_CLASSES }, (_, k) => `class ${k}`),
    resize: evaluationResize(INPUT_SIZE),
  };
  const weights = store.entries.map(({ path, spec: { shape, layout } }) => ({
    ...{ path, shape, layout, values: store.get(path) },
  }));
  const run = join(folder, size);
  await saveCheckpoint(join(run, 'checkpoints'), 'step-1', {
    ...{ step: 1, groups: { weights }, state: { card } },
  });
  return run;
}

/**
 * Writes a classifier as the peers read it: official names, ONNX and the card.
 *
 * @throws ConfigError for a model of another task, or one whose images the peers would prepare otherwise
 */
export async function writeForPeers(model: string, folder: string): Promise<void> {
  const { card, file } = await load(model);
  if (card.task !== 'classify' || card.resize.mode !== 'crop' || card.resize.filter !== 'bicubic')
    throw new ConfigError(
      `bench:serve: expected a classifier with a bicubic center crop for the peers, got ${card.task}; leave --python out`,
    );
  mkdirSync(folder, { recursive: true });
  await convertModel(file!, join(folder, 'model.safetensors'), { scheme: 'official' });
  await exportOnnx(model, { out: join(folder, 'model.onnx') });
  await writeJsonAtomically(join(folder, 'card.json'), card);
}

/** Starts `convnextv2 serve`. */
export async function startOurs(model: string, flags: readonly string[]): Promise<Started> {
  const cli = fileURLToPath(new URL('../tools/cli.js', import.meta.url));
  const own = ['--port', '0', '--json', '--timeout', String(TIMEOUT_S), '--score', String(SCORE)];
  return started(process.execPath, [cli, 'serve', model, ...own, ...flags], {});
}

/** Starts the same model behind FastAPI. @param folder written by {@link writeForPeers} */
export async function startPeer(
  python: string,
  kind: 'torch' | 'onnxruntime',
  folder: string,
): Promise<Started> {
  const script = fileURLToPath(new URL('../../bench/serve_peers.py', import.meta.url));
  return started(python, [script, kind, folder], PEER_ALLOCATOR);
}

async function started(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  const server = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const url = await firstUrl(server);
  await untilHealthy(url);
  return {
    ...{ url, pid: server.pid! },
    stop: async () => {
      server.kill('SIGTERM');
      const [code] = (await once(server, 'exit')) as [number | null];
      return code;
    },
  };
}

async function firstUrl(server: ChildProcess): Promise<string> {
  const line = once(createInterface(server.stdout!), 'line') as Promise<[string]>;
  const failed = once(server, 'exit').then(([code]: unknown[]) => {
    throw new ConfigError(`bench:serve: expected a server, got exit code ${String(code)}`);
  });
  const [text] = await Promise.race([line, failed]);
  return (JSON.parse(text) as { url: string }).url;
}

async function untilHealthy(url: string): Promise<void> {
  const endMs = Date.now() + START_MS;
  for (;;)
    try {
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
