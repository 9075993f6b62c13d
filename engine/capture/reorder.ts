import { int, type OnnxValue } from '../onnx/graph.js';
import { BLOCKED_DOMAIN, padChannels } from './blocked-layout.js';
import type { GraphBuilder } from './graph-builder.js';

/** Converts `[N, H, W, C]` to the blocked layout, declared as `[N, Cp, H, W]`. */
export function toBlocked(graph: GraphBuilder, x: OnnxValue, block: number): OnnxValue {
  const [n, h, w, c] = x.shape;
  return graph.contrib(BLOCKED_DOMAIN, 'ReorderInput', [x], [n, padChannels(c, block), h, w], {
    channels_last: int(1),
  });
}

/**
 * Converts the standard layout of channels before positions, `[N, C, H, W]`, to the blocked one.
 *
 * @returns `[N, Cp, H, W]`
 */
export function channelsToBlocked(graph: GraphBuilder, x: OnnxValue, block: number): OnnxValue {
  const [n, c, h, w] = x.shape;
  return graph.contrib(BLOCKED_DOMAIN, 'ReorderInput', [x], [n, padChannels(c, block), h, w], {
    channels_last: int(0),
  });
}

/** Converts blocked `[N, Cp, H, W]` to `[N, H, W, channels]`. */
export function fromBlocked(graph: GraphBuilder, x: OnnxValue, channels: number): OnnxValue {
  const [n, , h, w] = x.shape;
  return graph.contrib(BLOCKED_DOMAIN, 'ReorderOutput', [x], [n, h, w, channels], {
    channels: int(channels),
    channels_last: int(1),
  });
}

/** Converts blocked `[N, Cp, H, W]` to channels before positions, `[N, channels, H, W]`. */
export function channelsFromBlocked(
  graph: GraphBuilder,
  x: OnnxValue,
  channels: number,
): OnnxValue {
  const [n, , h, w] = x.shape;
  return graph.contrib(BLOCKED_DOMAIN, 'ReorderOutput', [x], [n, channels, h, w], {
    channels: int(channels),
    channels_last: int(0),
  });
}

/** The values of positions, `[N, H, W, 1]`, of lanes `[N, B, H, W]`. */
export function firstOfLanes(graph: GraphBuilder, x: OnnxValue): OnnxValue {
  const [n, block, h, w] = x.shape;
  const range = [[0], [1], [3]].map((numbers) => graph.shapeConstant(numbers));
  return graph.node('Slice', [graph.reshape(x, [n, h, w, block]), ...range], [n, h, w, 1]);
}

/** Lanes `[N, B, H, W]` of the values of positions, `[N, H, W, 1]`. */
export function repeatedInLanes(graph: GraphBuilder, x: OnnxValue, block: number): OnnxValue {
  const [n, h, w] = x.shape;
  const plain = [n, h, w, block];
  const repeated = graph.node('Expand', [x, graph.shapeConstant(plain)], plain);
  return graph.reshape(repeated, [n, block, h, w]);
}
