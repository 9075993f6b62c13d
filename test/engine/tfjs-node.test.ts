import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import {
  describeTensorflow,
  loadTensorflowBackend,
  TENSORFLOW,
} from '../../engine/runtime/tfjs-node.js';

const GPU = '@tensorflow/tfjs-node-gpu';
const CPU = '@tensorflow/tfjs-node';
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const KERNEL = 'NoSuchKernel';

/** Backend with the fields by which those of both packages describe themselves. */
class FakeBackend extends tf.KernelBackend {
  constructor(
    readonly isGPUPackage: boolean,
    readonly isUsingGpuDevice: boolean,
  ) {
    super();
  }
  override dispose(): void {}
}

const kernel: tf.KernelConfig = {
  kernelName: KERNEL,
  backendName: TENSORFLOW,
  kernelFunc: () => {
    throw new Error('not called');
  },
};

/** Importing does what the packages do: kernels first, then the backend, which becomes the current one. */
function packages(installed: Readonly<Record<string, () => unknown>>): {
  readonly imported: string[];
  readonly importModule: (name: string) => Promise<unknown>;
} {
  const imported: string[] = [];
  const importModule = (name: string): Promise<unknown> => {
    imported.push(name);
    if (!installed[name]) {
      const missing = new Error(`Cannot find package '${name}' imported from /app/index.js`);
      return Promise.reject(Object.assign(missing, { code: 'ERR_MODULE_NOT_FOUND' }));
    }
    return new Promise((resolve) => resolve(installed[name]()));
  };
  return { imported, importModule };
}

const working = (isGpuPackage: boolean, usesGpu: boolean) => (): void => {
  tf.registerKernel(kernel);
  tf.registerBackend(TENSORFLOW, () => new FakeBackend(isGpuPackage, usesGpu));
};
const broken = (): void => {
  tf.registerKernel(kernel);
  throw new Error('The native addon can not be found at path: /app/lib.node. \nPlease run command');
};

async function failure(
  ...[options]: Parameters<typeof loadTensorflowBackend>
): Promise<ConfigError> {
  const error: unknown = await loadTensorflowBackend(options).catch((e: unknown) => e);
  if (!(error instanceof ConfigError)) throw new Error(`expected a ConfigError, got ${error}`);
  expect(error.message.split('\n')).toHaveLength(1);
  return error;
}

function isInstalled(name: string): boolean {
  try {
    return createRequire(import.meta.url).resolve(name) !== '';
  } catch {
    return false;
  }
}

afterEach(() => {
  if (TENSORFLOW in tf.engine().registryFactory) tf.removeBackend(TENSORFLOW);
  if (tf.getKernel(KERNEL, TENSORFLOW)) tf.unregisterKernel(KERNEL, TENSORFLOW);
  vi.restoreAllMocks();
});

describe('loadTensorflowBackend', () => {
  test('takes the GPU package first and makes its backend the current one', async () => {
    const { imported, importModule } = packages({
      [GPU]: working(true, true),
      [CPU]: working(false, false),
    });
    const backend = await loadTensorflowBackend({ importModule });
    expect(backend).toEqual({ package: GPU, usesGpu: true, skipped: [] });
    expect(imported).toEqual([GPU]);
    expect(tf.getBackend()).toBe(TENSORFLOW);
  });

  test('takes the CPU package first if preferred', async () => {
    const { imported, importModule } = packages({ [CPU]: working(false, false) });
    const backend = await loadTensorflowBackend({ prefer: 'cpu', importModule });
    expect(backend).toEqual({ package: CPU, usesGpu: false, skipped: [] });
    expect(imported).toEqual([CPU]);
  });

  test('recognizes a GPU package without a GPU', async () => {
    const { importModule } = packages({ [GPU]: working(true, false) });
    expect(await loadTensorflowBackend({ importModule })).toMatchObject({
      package: GPU,
      usesGpu: false,
    });
  });

  test('takes the other package if the first is missing, and says so', async () => {
    const { importModule } = packages({ [CPU]: working(false, false) });
    const backend = await loadTensorflowBackend({ importModule });
    expect(backend.package).toBe(CPU);
    expect(backend.skipped).toEqual([{ package: GPU, reason: 'not installed' }]);
  });

  test('kernels of a package that failed to load do not block the other', async () => {
    const warnings = vi.spyOn(console, 'warn').mockReturnValue();
    const { importModule } = packages({ [GPU]: broken, [CPU]: working(false, false) });
    const backend = await loadTensorflowBackend({ importModule });
    expect(backend.package).toBe(CPU);
    expect(backend.skipped).toEqual([
      { package: GPU, reason: 'The native addon can not be found at path: /app/lib.node.' },
    ]);
    expect(warnings).not.toHaveBeenCalled();
  });

  test('describes package, device and what could not be used', async () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const { importModule } = packages({ [GPU]: broken, [CPU]: working(false, false) });
    expect(describeTensorflow(await loadTensorflowBackend({ importModule }))).toBe(
      `${CPU}, CPU; not ${GPU}: The native addon can not be found at path: /app/lib.node.`,
    );
    expect(
      describeTensorflow({ package: GPU, usesGpu: false, version: '2.9.1', skipped: [] }),
    ).toBe(`${GPU}, TensorFlow 2.9.1, CPU, because it found no GPU`);
    const skipped = [{ package: GPU, reason: 'not installed' }] as const;
    expect(describeTensorflow({ package: CPU, usesGpu: false, skipped })).toBe(`${CPU}, CPU`);
  });

  test('if a backend does not start, the other package is used', async () => {
    vi.spyOn(console, 'warn').mockReturnValue();
    const { importModule } = packages({
      [GPU]: () =>
        tf.registerBackend(TENSORFLOW, () => {
          throw new Error('libcudart.so.11.0: cannot open shared object file');
        }),
      [CPU]: working(false, false),
    });
    const backend = await loadTensorflowBackend({ importModule });
    expect(backend.package).toBe(CPU);
    expect(backend.skipped).toMatchObject([{ package: GPU }]);
  });

  test('keeps an active backend, and imports nothing', async () => {
    working(false, false)();
    const { imported, importModule } = packages({ [GPU]: working(true, true) });
    expect(await loadTensorflowBackend({ importModule })).toMatchObject({ package: CPU });
    expect(imported).toEqual([]);
  });

  test('without either package, the error has the command that installs one', async () => {
    const { imported, importModule } = packages({});
    const { message } = await failure({ importModule });
    expect(message).toContain(`got neither (${GPU}: not installed; ${CPU}: not installed)`);
    expect(message).toContain(`npm install -D ${CPU}@4.22.0`);
    expect(message).toContain(`npm install -D ${GPU}@4.22.0`);
    expect(imported).toEqual([GPU, CPU]);
    expect(tf.getKernelsForBackend(TENSORFLOW)).toEqual([]);
  });

  test('if a package is installed but broken, the error has the reason and the repair command', async () => {
    const { importModule } = packages({ [CPU]: broken });
    const { message } = await failure({ importModule });
    expect(message).toContain(`${CPU}: The native addon can not be found at path: /app/lib.node.`);
    expect(message).toContain(`npm rebuild ${CPU}`);
    expect(message).not.toContain('npm install');
  });

  test('a package that lacks a dependency is not reported as missing', async () => {
    const { importModule } = packages({
      [CPU]: () => {
        const error = new Error("Cannot find module 'progress'\nRequire stack:\n- /app/tfjs-node");
        throw Object.assign(error, { code: 'MODULE_NOT_FOUND' });
      },
    });
    const { message } = await failure({ importModule });
    expect(message).toContain(`${CPU}: Cannot find module 'progress')`);
    expect(message).toContain(`npm rebuild ${CPU}`);
  });

  test('a package that registers nothing is rejected', async () => {
    const { importModule } = packages({ [GPU]: () => undefined });
    const { message } = await failure({ importModule });
    expect(message).toContain(`${GPU}: it registered no backend`);
  });

  test('a package on another copy of tfjs-core is rejected, although that copy uses our registry', async () => {
    vi.spyOn(console, 'warn').mockReturnValue(); // the copy sets tfjs's platform a second time
    const require = createRequire(import.meta.url);
    const ours = createRequire(require.resolve('@tensorflow/tfjs'));
    const core = ours.resolve('@tensorflow/tfjs-core');
    ours(core);
    const cached = require.cache[core];
    delete require.cache[core];
    const copy = ours(core) as typeof tf;
    require.cache[core] = cached;
    expect(copy.KernelBackend).not.toBe(tf.KernelBackend);

    class Other extends copy.KernelBackend {
      override dispose(): void {}
    }
    const { importModule } = packages({
      [CPU]: () => copy.registerBackend(TENSORFLOW, () => new Other()),
    });
    const { message } = await failure({ importModule });
    expect(message).toContain('two copies');
    expect(message).toContain('npm ls @tensorflow/tfjs');
  });

  test('restores the functions that Node removed from util, and replaces none', async () => {
    const originals = Object.getOwnPropertyDescriptors(util);
    const kept = util.isArray;
    try {
      Reflect.deleteProperty(util, 'isNullOrUndefined');
      const { importModule } = packages({ [GPU]: working(true, true) });
      await loadTensorflowBackend({ importModule });
      const restored = Reflect.get(util, 'isNullOrUndefined') as (value: unknown) => boolean;
      expect([null, undefined, 0, '', false, []].map(restored)).toEqual([
        true,
        true,
        false,
        false,
        false,
        false,
      ]);
      expect(util.isArray).toBe(kept);
    } finally {
      const original = originals['isNullOrUndefined'];
      if (original) Object.defineProperty(util, 'isNullOrUndefined', original);
      else Reflect.deleteProperty(util, 'isNullOrUndefined');
    }
  });

  test('by default it imports the real packages', () => {
    // In a process of its own, as users run it: the test runner resolves imports in its own way.
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { loadTensorflowBackend } = await import('./dist/engine/runtime/tfjs-node.js');
         await loadTensorflowBackend().then(
           (backend) => process.stdout.write(backend.package),
           (error) => process.stdout.write(error.name + ' ' + error.message));`,
      ],
      { cwd: ROOT, encoding: 'utf8' },
    );
    const missing = `(${GPU}: not installed; ${CPU}: not installed)`;
    expect(stdout, stderr).toContain(isInstalled(GPU) || isInstalled(CPU) ? 'tfjs-node' : missing);
  });
});
