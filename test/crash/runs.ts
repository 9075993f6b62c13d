import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import type { KillPoint } from './kill-hook.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const CLI = resolve(HERE, '../../dist/tools/cli.js');
export const STEPS = 60;
export const LAST = `step-${String(STEPS).padStart(8, '0')}.safetensors`;

/**
 * Every third step ends with a checkpoint, and every twelfth with an evaluation; average and micro-batches are among what is
 * saved. Without workers, whose start at each evaluation takes longer than all the rest.
 */
const CONFIG = `
extends: classify
backbone: {depths: [1, 1, 1, 1], dims: [8, 16, 24, 32]}
training: {inputSize: 32}
evaluation: {inputSize: 32}
dropPathRate: 0.2
batchSize: 4
accumulation: 2
epochs: ${STEPS / 3}
emaDecay: 0.9
logEvery: 1
evaluateEvery: 4
checkpointEvery: 1
workers: 0
`;

/** Options of a run. */
export interface CrashOptions {
  readonly resume?: boolean;
  readonly killAt?: KillPoint;
  /** Whether the command line starts the process that trains, as it does for users. */
  readonly isRelaunched?: boolean;
}

/** End of a run. */
export interface CrashResult {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly stderr: string;
}

/** Runs in folders of one root with the same data, configuration and seed. */
export class CrashRuns {
  readonly root = mkdtempSync(join(tmpdir(), 'convnextv2-crash-'));
  private readonly hook = this.at('kill-hook.mjs');

  constructor() {
    renameSync(writeTinyClasses(), this.at('data'));
    writeFileSync(this.at('config.yaml'), CONFIG);
    const source = readFileSync(join(HERE, 'kill-hook.ts'), 'utf8');
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(this.hook, outputText);
  }

  at(name: string): string {
    return join(this.root, name);
  }

  /** Trains until the end or until it is killed. */
  train(run: string, options: CrashOptions = {}): CrashResult {
    const { signal, status, stderr } = spawnSync(process.execPath, this.args(run, options), {
      encoding: 'utf8',
      env: this.env(options),
    });
    return { signal, code: status, stderr };
  }

  /** Starts training; the promise resolves at its end. */
  start(
    run: string,
    options: CrashOptions = {},
  ): { readonly process: ChildProcess; readonly ended: Promise<CrashResult> } {
    const started = spawn(process.execPath, this.args(run, options), {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: this.env(options),
    });
    let stderr = '';
    started.stderr.on('data', (chunk) => (stderr += String(chunk)));
    const ended = new Promise<CrashResult>((done) =>
      started.on('exit', (code, signal) => done({ code, signal, stderr })),
    );
    return { process: started, ended };
  }

  finalWeights(run: string): Buffer {
    return readFileSync(join(this.at(run), 'checkpoints', LAST));
  }

  /** Records of a run without speeds. */
  records(run: string): readonly string[] {
    return readFileSync(join(this.at(run), 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const { kind, step, losses, metrics } = JSON.parse(line) as Record<string, unknown>;
        return JSON.stringify({ kind, step, losses, metrics });
      });
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  private args(run: string, { resume }: CrashOptions): readonly string[] {
    const options = [
      '--data',
      this.at('data'),
      '--out',
      this.at(run),
      '--seed',
      '5',
      '--threads',
      '1',
    ];
    return [
      ...['--import', this.hook, CLI, 'train', this.at('config.yaml'), ...options, '--no-report'],
      ...(resume ? ['--resume'] : []),
    ];
  }

  private env({ killAt, isRelaunched = false }: CrashOptions): NodeJS.ProcessEnv {
    // Without the relaunch the process that is killed is the one that trains.
    const mark = isRelaunched ? {} : { CONVNEXTV2_RELAUNCHED: '1' };
    return { ...process.env, ...mark, CRASH_AT: killAt ?? '' };
  }
}
