import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import wabtInit from 'wabt';
import { WASM_BASE64 } from '../../../engine/optimizer/kernels-wasm.js';

test('kernels-wasm.ts is kernels.wat assembled (else: node scripts/assemble-wat.mjs engine/optimizer/kernels.wat)', async () => {
  const wabt = await wabtInit();
  const source = readFileSync(new URL('../../../engine/optimizer/kernels.wat', import.meta.url));
  const module = wabt.parseWat('kernels.wat', source, { simd: true });
  expect(WASM_BASE64).toBe(Buffer.from(module.toBinary({}).buffer).toString('base64'));
});
