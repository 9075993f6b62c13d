import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { encodeModel } from '../../engine/onnx/encode-model.js';

/** Place in which a WebGPU session can be opened on this machine, or the reason why none can. */
export type Adapter =
  | {
      readonly kind: 'found';
      readonly driver: string;
      /** Whether it compiles shaders for the CPU, which takes seconds each: tests take fewer cases then. */
      readonly isSoftware: boolean;
    }
  | { readonly kind: 'none'; readonly reason: string };

declare module 'vitest' {
  export interface ProvidedContext {
    readonly adapter: Adapter;
  }
}

/** Descriptions of SwiftShader, a Vulkan driver in software, as Linux packages install them. */
const SWIFTSHADER = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

/** Drivers that run on the CPU: SwiftShader and Mesa's lavapipe. */
const SOFTWARE = /swiftshader|lvp|lavapipe|llvmpipe/i;

/** Opens a session in a process of its own: a driver that crashes must not take the test run along. */
const PROBE = `
  const ort = await import('onnxruntime-node');
  const model = Buffer.from(process.argv[1], 'base64');
  const session = await ort.InferenceSession.create(model, { executionProviders: ['webgpu'] });
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

/** @returns nothing if a session computes, else the reason */
function failure(drivers: Readonly<Record<string, string>>): string | undefined {
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', PROBE, Buffer.from(RELU).toString('base64')],
    { env: { ...process.env, ...drivers }, encoding: 'utf8', timeout: 60_000 },
  );
  if (status === 0) return undefined;
  const error = stderr.split('\n').find((line) => /\bError: /.test(line));
  return error?.trim() ?? `process ended with ${signal ?? status}: ${stderr.trim().slice(-200)}`;
}

/**
 * Looks for an adapter, first as the system is set up, then with SwiftShader where it is installed. The
 * variables that name the driver are set for the test processes, which start later.
 */
export function setup({ provide }: TestProject): void {
  const named = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
  let reason = failure({});
  if (reason === undefined) {
    const driver = named ?? 'the driver of the system';
    provide('adapter', { kind: 'found', driver, isSoftware: SOFTWARE.test(driver) });
    return;
  }
  const file = named ? undefined : SWIFTSHADER.find((path) => existsSync(path));
  if (file) {
    // The second name is that of Vulkan loaders before 1.3.207.
    const drivers = { VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file };
    const software = failure(drivers);
    if (software === undefined) {
      Object.assign(process.env, drivers);
      const driver = `SwiftShader, ${file}`;
      provide('adapter', { kind: 'found', driver, isSoftware: true });
      return;
    }
    reason += `; with ${file}: ${software}`;
  }
  provide('adapter', { kind: 'none', reason });
}
