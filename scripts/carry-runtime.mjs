// Puts the files of onnxruntime-web that are used outside of a checkout into dist/, WebAssembly compressed: npm runs it before
// it packs, and `--remove` after. An installation then needs 7 MB of them in place of that package's 140.
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const target = fileURLToPath(new URL('../dist/onnxruntime-web', import.meta.url));
const from = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/wasm'));
// Files that compute in Node where onnxruntime-node cannot be loaded, and those that a page needs without and with WebGPU.
const SCRIPTS = [
  'ort.node.min.mjs',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.asyncify.mjs',
];
const BINARIES = ['ort-wasm-simd-threaded.wasm', 'ort-wasm-simd-threaded.asyncify.wasm'];
const LICENSE = `The files of this folder are from the npm package onnxruntime-web (https://github.com/microsoft/onnxruntime), compressed:

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files
(the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge,
publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE
FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;

/** Removes the folder: a checkout takes the package itself, in the version of the lock file. */
export function removeRuntime() {
  rmSync(target, { recursive: true, force: true });
}

/** Writes the folder anew. */
export function carryRuntime() {
  removeRuntime();
  mkdirSync(target, { recursive: true });
  for (const name of SCRIPTS) copyFileSync(join(from, name), join(target, name));
  for (const name of BINARIES) {
    const file = join(from, name);
    const compressed = brotliCompressSync(readFileSync(file), {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 9,
        [constants.BROTLI_PARAM_LGWIN]: 24,
        [constants.BROTLI_PARAM_SIZE_HINT]: statSync(file).size,
      },
    });
    writeFileSync(join(target, `${name}.br`), compressed);
  }
  writeFileSync(join(target, 'LICENSE'), LICENSE);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--remove')) removeRuntime();
  else carryRuntime();
}
