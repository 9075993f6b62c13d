import type { Initializer, ParameterSpec } from './spec.js';

/** Specs of the common layers. Every initializer is explicit: there are no library defaults. */

const ZERO: Initializer = { kind: 'constant', value: 0 };
const ONE: Initializer = { kind: 'constant', value: 1 };

/** Trainable vector `[size]`. */
export function vectorSpec(size: number, init: Initializer = ZERO): ParameterSpec<'vector'> {
  return { shape: [size], layout: 'vector', init, trainable: true };
}

/** Weight `[in, out]` and bias `[out]`, zero at the start. */
export function linearSpecs(
  inSize: number,
  outSize: number,
  init: Initializer,
): { readonly weight: ParameterSpec<'linear'>; readonly bias: ParameterSpec<'vector'> } {
  return {
    weight: { shape: [inSize, outSize], layout: 'linear', init, trainable: true },
    bias: vectorSpec(outSize),
  };
}

/** Weight `[k, k, in, out]` and bias `[out]`, zero at the start. */
export function convSpecs(
  kernel: number,
  inChannels: number,
  outChannels: number,
  init: Initializer,
): { readonly weight: ParameterSpec<'conv'>; readonly bias: ParameterSpec<'vector'> } {
  return {
    weight: {
      shape: [kernel, kernel, inChannels, outChannels],
      layout: 'conv',
      init,
      trainable: true,
    },
    bias: vectorSpec(outChannels),
  };
}

/** Weight `[k, k, C, 1]` and bias `[C]`, zero at the start. */
export function depthwiseSpecs(
  kernel: number,
  channels: number,
  init: Initializer,
): { readonly weight: ParameterSpec<'depthwise'>; readonly bias: ParameterSpec<'vector'> } {
  return {
    weight: { shape: [kernel, kernel, channels, 1], layout: 'depthwise', init, trainable: true },
    bias: vectorSpec(channels),
  };
}

/** Scale (1 at the start) and shift (0 at the start) of a normalization, both `[C]`. */
export function normSpecs(channels: number): {
  readonly weight: ParameterSpec<'vector'>;
  readonly bias: ParameterSpec<'vector'>;
} {
  return { weight: vectorSpec(channels, ONE), bias: vectorSpec(channels) };
}
