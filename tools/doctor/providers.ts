import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand } from '../../io/files/install-command.js';
import { moduleUrl } from '../../io/files/module-url.js';
import { encodeModel } from '../../engine/onnx/encode-model.js';
import { docPage } from '../doc-page.js';

/** One line of `doctor`. */
export interface Diagnosis {
  readonly name: string;
  /** `missing` concerns an optional part, `problem` a required one. */
  readonly state: 'ok' | 'missing' | 'problem';
  readonly detail: string;
  readonly remedy?: string | undefined;
}

/**
 * A line about an optional part.
 *
 * @param found description of the part, undefined if it is missing
 * @param instead description of its absence
 */
export function optional(
  name: string,
  found: string | undefined,
  instead: string,
  remedy?: string,
): Diagnosis {
  return found === undefined
    ? { name, state: 'missing', detail: instead, remedy }
    : { name, state: 'ok', detail: found };
}

/** Opens a session in a separate process, so that a crashing driver does not end `doctor`. */
const PROBE = `
  const ort = await import('onnxruntime-node');
  const model = Buffer.from(process.argv[1], 'base64');
  const session = await ort.InferenceSession.create(model, { executionProviders: [process.argv[2]] });
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(-1, 2), [2]) });
  if (y.data[0] !== 0 || y.data[1] !== 2) throw new Error('relu([-1, 2]) gave [' + y.data + ']');
`;

const RELU = encodeModel({
  name: 'relu',
  nodes: [{ name: 'relu', op: 'Relu', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
  inputs: [{ name: 'x', shape: [2], type: 'float32' }],
  outputs: [{ name: 'y', shape: [2], type: 'float32' }],
  initializers: [],
  opsets: { '': 20 },
});

const REMEDIES = {
  webgpu: `install a driver for Vulkan, Metal or Direct3D 12 (${docPage('webgpu.md')}); without one use --provider cpu`,
  cuda: 'install the CUDA 12 and cuDNN 9 libraries, then: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
} as const;

/** Whether ONNX Runtime can use this machine's GPU. */
export function diagnoseProviders(): readonly Diagnosis[] {
  return (['webgpu', 'cuda'] as const).map((provider) => {
    const reason = failure(provider);
    const found = reason === undefined ? 'computes' : undefined;
    return optional(`--provider ${provider}`, found, `optional: ${reason}`, REMEDIES[provider]);
  });
}

function failure(provider: string): string | undefined {
  return tried([PROBE, Buffer.from(RELU).toString('base64'), provider]).failure;
}

/** Starts TensorFlow's library, so that an addon without its library is noticed, and prints what it is. */
const TENSORFLOW_PROBE = `
  const { describeTensorflow, loadTensorflowBackend } = await import(process.argv[1]);
  const prefer = process.argv[2].endsWith('gpu') ? 'gpu' : 'cpu';
  const importModule = (name) => {
    if (name !== process.argv[2]) throw new Error('not tried');
    return import(name);
  };
  console.log(describeTensorflow(await loadTensorflowBackend({ prefer, importModule })).split('; not ')[0]);
`;

/** Whether one of tfjs's packages for TensorFlow starts. @param name its name @param version undefined if not installed */
export function diagnoseTensorflow(
  name: string,
  what: string,
  version: string | undefined,
): Diagnosis {
  if (version === undefined)
    return optional(name, undefined, `optional: ${what}`, installCommand(`${name}@4.22.0`));
  const module = moduleUrl('../../engine/runtime/tfjs-node.js', import.meta.url).href;
  const { output, failure: reason = '' } = tried([TENSORFLOW_PROBE, module, name]);
  if (output !== undefined) return optional(name, `${version}: ${output.trim()}`, '');
  const own = reason.split(`${name}: `)[1] ?? reason;
  return optional(
    name,
    undefined,
    `optional: ${what}: ${version} is installed but does not start: ${own.split('); run: ')[0]}`,
    `npm rebuild ${name} --foreground-scripts (downloads its native library)`,
  );
}

/** Runs a script in a separate process. @returns its output, or the reason why it ended with an error */
function tried([script, ...args]: readonly [string, ...string[]]): {
  readonly output?: string;
  readonly failure?: string;
} {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, ...args],
    {
      // Packages are resolved from here, independently of the working directory.
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
    },
  );
  if (status === 0) return { output: stdout };
  const line = stderr.split('\n').find((text) => /\bError: /.test(text));
  // Removes the source file and function that ONNX Runtime puts before the message.
  const text =
    /Failed to .*/.exec(line ?? '')?.[0] ??
    line?.replace(/^.*?Error: /, '').trim() ??
    `the process ended with ${signal ?? status}`;
  return { failure: text.length > 300 ? `${text.slice(0, 299)}…` : text };
}

/** Requirements of training on several processes. */
export function diagnoseMpi(koffi: string | undefined): Diagnosis {
  const launcher = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'mpiexec'))
    .find((file) => existsSync(file));
  const remedies = [
    ...(koffi === undefined ? [installCommand('koffi@3')] : []),
    ...(launcher === undefined ? ['install Open MPI or MPICH (apt-get install openmpi-bin)'] : []),
  ];
  return optional(
    'MPI',
    remedies.length === 0 ? `${launcher}, koffi ${koffi}` : undefined,
    'optional: training on several processes',
    remedies.join('; '),
  );
}
