import type { Arena } from './roi-align-arena.js';
import { WASM_BASE64 } from './roi-align-kernel.generated.js';

/**
 * Banded product of one RoI, `dst[i, j, :] (+)= Σ wy · wx · src[y, x, :]`, on byte addresses of an arena; see
 * `roi-align-kernel.wat`.
 */
export type BandedProduct = (
  dst: number,
  dstRowBytes: number,
  src: number,
  srcRowBytes: number,
  pixelBytes: number,
  numRows: number,
  numColumns: number,
  yTable: number,
  xTable: number,
  accumulate: number,
) => void;

/**
 * Chooses the kernel for an arena: WebAssembly if the arena lies in such memory and the JavaScript engine supports SIMD,
 * else {@link scalarKernel}. Results are bit-identical.
 */
export function createKernel(arena: Arena): BandedProduct {
  const { memory } = arena;
  if (memory instanceof ArrayBuffer) return scalarKernel(arena);
  const bytes = Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) return scalarKernel(arena);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return exports['bandedProduct'] as BandedProduct;
}

/**
 * Creates the same kernel in JavaScript: every product and sum is rounded to float32, in the order of the WebAssembly
 * kernel.
 */
export function scalarKernel({ buffer }: Arena): BandedProduct {
  const f32 = Math.fround;
  const floats = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  return (dst, dstRow, src, srcRow, pixel, numRows, numColumns, yTable, xTable, accumulate) => {
    const C = pixel >> 2;
    const sums = new Float32Array(C);
    let yEntry = yTable >> 2;
    for (let i = 0; i < numRows; i++) {
      const yEnd = yEntry + 1 + 2 * words[yEntry];
      let xEntry = xTable >> 2;
      for (let j = 0; j < numColumns; j++) {
        const xEnd = xEntry + 1 + 2 * words[xEntry];
        sums.fill(0);
        for (let y = yEntry + 1; y < yEnd; y += 2) {
          const row = (src + words[y] * srcRow) >> 2;
          for (let x = xEntry + 1; x < xEnd; x += 2) {
            const weight = f32(floats[y + 1] * floats[x + 1]);
            const from = row + words[x] * C;
            for (let c = 0; c < C; c++) sums[c] += f32(weight * floats[from + c]);
          }
        }
        const to = ((dst + i * dstRow) >> 2) + j * C;
        if (accumulate === 0) floats.set(sums, to);
        else for (let c = 0; c < C; c++) floats[to + c] += sums[c];
        xEntry = xEnd;
      }
      yEntry = yEnd;
    }
  };
}
