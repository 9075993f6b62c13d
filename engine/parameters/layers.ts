import type { Initializer, ParameterLayout, ParameterSpec } from './spec.js';

/** Specs of the common layers. Every initializer is explicit: there are no library defaults. */

const ZERO: Initializer = { kind: 'constant', value: 0 };
const ONE: Initializer = { kind: 'constant', value: 1 };

/** Trainable vector `[size]`. */
export function vectorSpec(size: number, init: Initializer = ZERO): ParameterSpec<'vector'> {
  return { shape: [size], layout: 'vector', init, trainable: true };
}

/** Specs of a layer with a weight and a bias. */
export type LayerSpecs<Layout extends ParameterLayout> = {
  readonly weight: ParameterSpec<Layout>;
  readonly bias: ParameterSpec<'vector'>;
};

/** Weight of any layout and bias `[numOutputs]`, zero at the start. */
export function layerSpecs<Layout extends ParameterLayout>(
  layout: Layout,
  shape: readonly number[],
  numOutputs: number,
  init: Initializer,
): LayerSpecs<Layout> {
  return { weight: { shape, layout, init, trainable: true }, bias: vectorSpec(numOutputs) };
}

/** Weight `[in, out]` and bias `[out]`, zero at the start. */
export const linearSpecs = (
  inSize: number,
  outSize: number,
  init: Initializer,
): LayerSpecs<'linear'> => layerSpecs('linear', [inSize, outSize], outSize, init);

/** Weight `[k, k, in, out]` and bias `[out]`, zero at the start. */
export function convSpecs(
  kernel: number,
  inChannels: number,
  outChannels: number,
  init: Initializer,
): LayerSpecs<'conv'> {
  return layerSpecs('conv', [kernel, kernel, inChannels, outChannels], outChannels, init);
}

/** Weight `[k, k, C, 1]` and bias `[C]`, zero at the start. */
export const depthwiseSpecs = (
  kernel: number,
  channels: number,
  init: Initializer,
): LayerSpecs<'depthwise'> =>
  layerSpecs('depthwise', [kernel, kernel, channels, 1], channels, init);

/** Scale (1 at the start) and shift (0 at the start) of a normalization, both `[C]`. */
export function normSpecs(channels: number): LayerSpecs<'vector'> {
  return { weight: vectorSpec(channels, ONE), bias: vectorSpec(channels) };
}

/** {@link normSpecs}, without shift for norms that do not subtract the mean. @param kind absent: layer norm */
export function channelNormSpecs(channels: number, kind?: string): LayerSpecs<'vector'> {
  if (kind === undefined) return normSpecs(channels);
  return { weight: vectorSpec(channels, ONE) } as LayerSpecs<'vector'>;
}
