import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import wabtInit from 'wabt';
import { WASM_BASE64 } from '../../../engine/optimizer/kernels-wasm.js';

// wabt 1.0.39 reads past the end of the text in a test process of Node 24 and newer; the bytes are compared on Node 20 and 22.
const wabtReads = Number(process.versions.node.split('.')[0]) < 24;
if (!wabtReads)
  console.warn(`kernels.wat is not assembled again on Node ${process.version}: wabt fails there`);

test.runIf(wabtReads)(
  'kernels-wasm.ts is kernels.wat assembled (else: node scripts/assemble-wat.mjs engine/optimizer/kernels.wat)',
  async () => {
    const wabt = await wabtInit();
    const source = readFileSync(new URL('../../../engine/optimizer/kernels.wat', import.meta.url));
    const module = wabt.parseWat('kernels.wat', source, { simd: true });
    expect(WASM_BASE64).toBe(Buffer.from(module.toBinary({}).buffer).toString('base64'));
  },
);
