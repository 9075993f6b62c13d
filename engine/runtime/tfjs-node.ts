import util from 'node:util';
import * as tf from '../tfjs.js';
import { EngineError } from '../../core/errors.js';
import { installCommand } from '../../io/files/install-command.js';

/** Name of the backend that both packages register. */
export const TENSORFLOW = 'tensorflow';

const GPU = '@tensorflow/tfjs-node-gpu';
const CPU = '@tensorflow/tfjs-node';
const VERSION = '4.22.0';
const NOT_INSTALLED = 'not installed';

/** Optional packages that run tfjs on TensorFlow's native library. */
type TensorflowPackage = typeof GPU | typeof CPU;

/** The active backend. */
interface TensorflowBackend {
  readonly package: TensorflowPackage;
  /** Whether operations run on a GPU. False if the GPU package found no usable device. */
  readonly usesGpu: boolean;
  /** Version of TensorFlow's native library, if it tells. */
  readonly version?: string | undefined;
  /** Packages that were tried first but could not be used, with reasons. */
  readonly skipped: readonly SkippedPackage[];
}

/** A package that could not be used, with the reason. */
interface SkippedPackage {
  readonly package: TensorflowPackage;
  readonly reason: string;
}

/** Options of the search for packages. */
interface LoadTensorflowOptions {
  /** Package that is tried first, before the other one. */
  readonly prefer?: 'gpu' | 'cpu' | undefined;
  /** Imports a package by name. */
  readonly importModule?: ((name: string) => Promise<unknown>) | undefined;
}

/**
 * Functions of Node's `util` that tfjs-node 4.22 calls; Node 23 removed the second.
 *
 * @see https://github.com/tensorflow/tfjs/issues/8609
 */
const REMOVED_FROM_UTIL: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: Array.isArray,
  isNullOrUndefined: (value) => value === null || value === undefined,
};

/**
 * Makes `tensorflow` the current tfjs backend. The packages are not dependencies, because installing one downloads a
 * native library; they are imported only here. A backend that is already active is kept.
 *
 * @throws ConfigError if neither package can be used (with the command that installs one), or if the package uses another
 *   copy of tfjs than this library
 */
export async function loadTensorflowBackend({
  prefer = 'gpu',
  importModule = (name) => import(/* @vite-ignore */ name),
}: LoadTensorflowOptions = {}): Promise<TensorflowBackend> {
  const skipped: SkippedPackage[] = [];
  const candidates = prefer === 'gpu' ? ([GPU, CPU] as const) : ([CPU, GPU] as const);
  restoreUtil();
  for (const name of candidates) {
    // Two native libraries in one process would use the same backend name.
    if (isRegistered()) break;
    try {
      await importModule(name);
      if (!isRegistered()) throw new Error('it registered no backend');
      if (!(await tf.setBackend(TENSORFLOW))) throw new Error('its native library did not start');
    } catch (cause) {
      skipped.push({ package: name, reason: reasonOf(cause, name) });
      forgetBackend();
    }
  }
  if (!isRegistered()) throw new EngineError(noPackage(skipped));
  if (!(await tf.setBackend(TENSORFLOW)))
    throw new EngineError(`tfjs backend ${TENSORFLOW}: expected it to start, got an error`);
  return { ...description(tf.backend()), skipped };
}

/**
 * Describes the backend in one line: the package, its library and device, and a package that is installed but could not
 * be used.
 */
export function describeTensorflow({
  package: name,
  usesGpu,
  version,
  skipped,
}: TensorflowBackend): string {
  const device = usesGpu ? 'GPU' : name === GPU ? 'CPU, because it found no GPU' : 'CPU';
  const library = version === undefined ? '' : `, TensorFlow ${version}`;
  const unusable = skipped
    .filter(({ reason }) => reason !== NOT_INSTALLED)
    .map((other) => `; not ${other.package}: ${other.reason}`);
  return `${name}${library}, ${device}${unusable.join('')}`;
}

function restoreUtil(): void {
  for (const [name, replacement] of Object.entries(REMOVED_FROM_UTIL))
    if (!(name in util)) Object.assign(util, { [name]: replacement });
}

const isRegistered = (): boolean => TENSORFLOW in tf.engine().registryFactory;

/** A failed import leaves kernels, and perhaps a backend, that would conflict with those of the other package. */
function forgetBackend(): void {
  for (const { kernelName } of tf.getKernelsForBackend(TENSORFLOW))
    tf.unregisterKernel(kernelName, TENSORFLOW);
  if (isRegistered()) tf.removeBackend(TENSORFLOW);
}

function description(backend: unknown): Omit<TensorflowBackend, 'skipped'> {
  // All copies of tfjs in a process share one registry, so the registered backend may belong to another copy.
  if (!(backend instanceof tf.KernelBackend)) {
    throw new EngineError(
      `tfjs backend ${TENSORFLOW}: expected its package to use the same copy of @tensorflow/tfjs as convnextv2, got ` +
        'two copies; list them with: npm ls @tensorflow/tfjs, merge them with: npm dedupe',
    );
  }
  const flags = backend as tf.KernelBackend & {
    readonly isGPUPackage?: boolean | undefined;
    readonly isUsingGpuDevice?: boolean | undefined;
    readonly binding?: { readonly TF_Version?: string };
  };
  return {
    package: flags.isGPUPackage ? GPU : CPU,
    usesGpu: flags.isUsingGpuDevice === true,
    version: flags.binding?.TF_Version,
  };
}

/** First line of an error, without its suggestions. */
function reasonOf(cause: unknown, name: string): string {
  const { code, message } = cause as { readonly code?: string; readonly message?: string };
  const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  // A package may also be installed but lack one of its dependencies.
  if (missing && message?.includes(`'${name}'`)) return NOT_INSTALLED;
  return (message ?? String(cause)).split('\n')[0].trim();
}

function noPackage(skipped: readonly SkippedPackage[]): string {
  const got = skipped.map(({ package: name, reason }) => `${name}: ${reason}`).join('; ');
  const broken = skipped.find(({ reason }) => reason !== NOT_INSTALLED);
  const remedy = broken
    ? `npm rebuild ${broken.package} --foreground-scripts (downloads its native library)`
    : `${installCommand(`${CPU}@${VERSION}`)}, or with an NVIDIA GPU, CUDA 11.2 and cuDNN 8.1: ${installCommand(`${GPU}@${VERSION}`)}`;
  return `tfjs backend ${TENSORFLOW}: expected ${GPU} or ${CPU}, got neither (${got}); run: ${remedy}`;
}
