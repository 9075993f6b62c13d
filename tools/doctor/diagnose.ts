import { statfsSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { measureGemmPeak } from '../../engine/runtime/gemm-peak.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import { DEFAULT_SESSION_OPTIONS } from '../../engine/runtime/onnx-runtime.js';
import { probeLowering } from '../../engine/runtime/probe.js';
import {
  diagnoseMpi,
  diagnoseProviders,
  diagnoseTensorflow,
  optional,
  type Diagnosis,
} from './providers.js';
import { installCommand } from '../../io/files/install-command.js';
import { cacheFolder } from '../../io/files/cache-folder.js';

const TENSORFLOW = [
  ['@tensorflow/tfjs-node-gpu', 'TensorFlow on CUDA for --eager tensorflow'],
  ['@tensorflow/tfjs-node', 'TensorFlow on the CPU for --eager tensorflow'],
] as const;
const WASM = '@tensorflow/tfjs-backend-wasm';

/** Checks everything that the tool depends on. */
export async function diagnose(): Promise<readonly Diagnosis[]> {
  return [
    node(),
    processor(),
    memory(),
    disk(),
    ...(await engine()),
    ...diagnoseProviders(),
    diagnoseMpi(version('koffi')),
    ...TENSORFLOW.map(([name, what]) => diagnoseTensorflow(name, what, version(name))),
    optional(WASM, version(WASM), 'optional: --eager wasm', installCommand(`${WASM}@4.22.0`)),
  ];
}

/** A line about a required part. */
function required(name: string, isFine: boolean, detail: string, remedy: string): Diagnosis {
  return { name, state: isFine ? 'ok' : 'problem', detail, remedy: isFine ? undefined : remedy };
}

function node(): Diagnosis {
  const isFine = Number(process.versions.node.split('.')[0]) >= 20;
  const detail = `${process.version}, ${process.platform}-${process.arch}`;
  return required('Node', isFine, detail, 'install Node 20 or newer');
}

function processor(): Diagnosis {
  const flags = cpuFlags();
  const features = ['avx512f', 'avx2', 'fma'].filter((flag) => flags.includes(flag));
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const parts = [model, `${availableParallelism()} threads`];
  if (features.length > 0) parts.push(features.join(', '));
  return { name: 'Processor', state: 'ok', detail: parts.join(', ') };
}

function cpuFlags(): readonly string[] {
  try {
    return (
      /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].trim().split(' ') ?? []
    );
  } catch {
    return [];
  }
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

function memory(): Diagnosis {
  const limit = containerLimit();
  const total = Math.min(totalmem(), limit);
  const detail = limit < totalmem() ? `${gib(total)}, the limit of this container` : gib(total);
  const remedy = 'training Tiny takes about 2 GiB; raise the memory limit';
  return required('Memory', total > 2 * 2 ** 30, detail, remedy);
}

/** Memory limit of the control group in bytes. */
function containerLimit(): number {
  for (const file of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    if (!existsSync(file)) continue;
    const limit = Number(readFileSync(file, 'utf8'));
    if (Number.isFinite(limit) && limit > 0) return limit;
  }
  return Infinity;
}

function disk(): Diagnosis {
  const { bavail, bsize } = statfsSync('.');
  const free = bavail * bsize;
  const detail = `${gib(free)}; weights go to ${cacheFolder()}`;
  const remedy = 'free some space: checkpoints of Tiny take 0.34 GB each';
  return required('Free disk space here', free > 2 ** 30, detail, remedy);
}

async function engine(): Promise<readonly Diagnosis[]> {
  const runtime = await loadOnnxRuntime();
  const lowering = await probeLowering(runtime);
  const peak = await measureGemmPeak(runtime, DEFAULT_SESSION_OPTIONS);
  return [
    optional(
      'ONNX Runtime',
      runtime.kind === 'native'
        ? `onnxruntime-node ${version('onnxruntime-node') ?? ''}`
        : undefined,
      'onnxruntime-web: one thread, slower',
      'npx convnextv2 doctor --fix',
    ),
    optional(
      'Blocked convolutions',
      lowering.kind === 'cpu' ? `blocks of ${lowering.blockSize} channels` : undefined,
      'standard operators are used instead, slower',
    ),
    {
      name: 'Matrix product',
      state: 'ok',
      detail: `${peak.toFixed(0)} GFLOP/s (float32, 2048³, best of ten)`,
    },
  ];
}

/** Not with `require.resolve`, because some packages do not export their package.json. */
function version(name: string): string | undefined {
  const file = manifestOf(name);
  if (file === undefined) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

/** Folders of the installed packages that have files of which a machine uses only some. */
export function installedFolders(): readonly string[] {
  return [
    'onnxruntime-node',
    'onnxruntime-web',
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs-backend-cpu',
  ]
    .flatMap((name) => manifestOf(name) ?? [])
    .map(dirname);
}

function manifestOf(name: string): string | undefined {
  const require = createRequire(import.meta.url);
  return (require.resolve.paths(name) ?? [])
    .map((folder) => join(folder, name, 'package.json'))
    .find((path) => existsSync(path));
}
