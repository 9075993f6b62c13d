import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { carriedScript, readWebRuntime } from '../../../io/files/web-runtime.js';

const WASM = 'ort-wasm-simd-threaded.wasm';
const original = (name: string): string =>
  createRequire(import.meta.url).resolve(`onnxruntime-web/${name}`);

let root: string;
let folder: URL;

/** A folder as `scripts/carry-runtime.mjs` writes it, compressed less because that takes seconds. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-web-runtime-'));
  // The tests' loader rewrites what lies elsewhere.
  const carried = join(root, 'node_modules/carried/');
  mkdirSync(carried, { recursive: true });
  folder = pathToFileURL(carried);
  // A dependency of this package, which the script imports.
  const common = new URL('../../../node_modules/onnxruntime-common', import.meta.url);
  symlinkSync(fileURLToPath(common), join(root, 'node_modules/onnxruntime-common'));
  const scripts = join(original(WASM), '..');
  for (const name of ['ort.node.min.mjs', 'ort-wasm-simd-threaded.mjs'])
    copyFileSync(join(scripts, name), join(carried, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
  writeFileSync(
    join(carried, `${WASM}.br`),
    brotliCompressSync(readFileSync(original(WASM)), { params }),
  );
});
afterAll(() => rmSync(root, { recursive: true }));

test('carried files are those of the package', async () => {
  const script = await readWebRuntime('ort-wasm-simd-threaded.mjs', folder);
  expect(Buffer.compare(script, readFileSync(original('ort-wasm-simd-threaded.mjs')))).toBe(0);
  expect(Buffer.compare(await readWebRuntime(WASM, folder), readFileSync(original(WASM)))).toBe(0);
});

test('without carried files, they are read from the package', async () => {
  const empty = pathToFileURL(join(root, 'none/'));
  expect(carriedScript('ort.node.min.mjs', empty)).toBeUndefined();
  expect(Buffer.compare(await readWebRuntime(WASM, empty), readFileSync(original(WASM)))).toBe(0);
  await expect(readWebRuntime('no-such-file.wasm', empty)).rejects.toThrow();
});

test('the carried runtime computes', () => {
  // y = x + x, in the encoding of ONNX: version 8, one node, float inputs and outputs of 2.
  const text = (field: number, value: string): number[] => [
    (field << 3) | 2,
    value.length,
    ...Buffer.from(value),
  ];
  const message = (field: number, ...parts: number[][]): number[] => {
    const body = parts.flat();
    return [(field << 3) | 2, body.length, ...body];
  };
  const shape = message(2, message(1, [0x08, 2])); // one axis of 2
  const value = (field: number, name: string): number[] =>
    message(field, text(1, name), message(2, message(1, [0x08, 1], shape)));
  const node = message(1, text(1, 'x'), text(1, 'x'), text(2, 'y'), text(4, 'Add'));
  const graph = message(7, node, text(2, 'sum'), value(11, 'x'), value(12, 'y'));
  const model = Uint8Array.from([0x08, 8, ...graph, ...message(8, [0x10, 17])]);
  // In a process of its own, because a process has one backend of the name `cpu`.
  const built = new URL('../../../dist/engine/runtime/load-runtime.js', import.meta.url);
  const script = `
    const { importWebRuntime } = await import(${JSON.stringify(built.href)});
    const ort = await importWebRuntime(new URL(${JSON.stringify(folder.href)}));
    ort.env.wasm.numThreads = 1;
    const model = Buffer.from('${Buffer.from(model).toString('base64')}', 'base64');
    const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
    const x = new ort.Tensor('float32', Float32Array.of(1, 2.5), [2]);
    console.log(JSON.stringify([...(await session.run({ x }))['y'].data]));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  );
  expect(stdout.trim(), stderr).toBe('[2,5]');
});
