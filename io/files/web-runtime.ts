import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';

/**
 * Folder of the files of onnxruntime-web that the published package carries, WebAssembly compressed, because the whole of
 * that package takes 140 MiB (`scripts/carry-runtime.mjs`). A checkout has none and takes the package.
 */
const CARRIED = new URL('../../onnxruntime-web/', import.meta.url);

/**
 * URL of a script of onnxruntime-web that this package carries.
 *
 * @param name such as `ort.node.min.mjs`
 * @returns nothing in a checkout
 */
export function carriedScript(name: string, carried = CARRIED): URL | undefined {
  const url = new URL(name, carried);
  return existsSync(url) ? url : undefined;
}

/**
 * Reads a file of onnxruntime-web: the carried one, else that of the installed package.
 *
 * @param name such as `ort-wasm-simd-threaded.wasm`
 * @throws Error if neither is there
 */
export async function readWebRuntime(name: string, carried = CARRIED): Promise<Uint8Array> {
  const script = carriedScript(name, carried);
  if (script) return readFile(script);
  const compressed = carriedScript(`${name}.br`, carried);
  if (compressed) return promisify(brotliDecompress)(await readFile(compressed));
  return readFile(createRequire(import.meta.url).resolve(`onnxruntime-web/${name}`));
}
