import { ConfigError } from '../../core/errors.js';
import type { FlatBuffers } from './flat-buffers.js';

/**
 * Initializes the EMA with the parameters. Call it after loading weights and before the first update.
 *
 * @throws ConfigError if the buffers were made without `ema`
 */
export function startEma(buffers: FlatBuffers): void {
  emaOf('startEma', buffers).set(buffers.parameters);
}

/**
 * Updates the EMA, `ema ← decay · ema + (1 − decay) · parameters`, after every update; the decay has no warm-up.
 *
 * @throws ConfigError if the buffers were made without `ema`
 */
export function updateEma(buffers: FlatBuffers, decay: number): void {
  buffers.kernels.average(emaOf('updateEma', buffers), buffers.parameters, 1 - decay);
}

function emaOf(where: string, { ema }: FlatBuffers): Float32Array {
  if (!ema) throw new ConfigError(`${where}: expected buffers with ema, got none`);
  return ema;
}
