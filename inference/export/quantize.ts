import { ExportError } from '../../core/errors.js';
import {
  int,
  ONNX_TYPE,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
} from '../../engine/onnx/graph.js';

/** Smallest and largest value. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** A product that runs on bytes. */
interface Product {
  readonly node: OnnxNode;
  readonly weight: OnnxInitializer;
  readonly bias: OnnxInitializer | undefined;
  /** Axis of the weight that has the outputs. */
  readonly axis: 0 | 1;
  /** Whether only the weight is stored as bytes: depthwise convolutions have few products, which lose more than others. */
  readonly storedOnly: boolean;
}

/** Products with fewer weights stay as they are: they cost little, and those of the last layers decide about scores. */
const LEAST_WEIGHTS = 4096;
/** The same for depthwise convolutions. */
const LEAST_DEPTHWISE = 1024;

/** Selects the products that run on bytes, or whose weights are stored as bytes. */
function productsOf({ nodes, initializers }: OnnxGraph): readonly Product[] {
  const constants = new Map(initializers.map((constant) => [constant.name, constant]));
  return nodes.flatMap((node): readonly Product[] => {
    const { op, inputs, attributes } = node;
    const weight = constants.get(inputs[1]);
    const group = attributes['group'];
    const storedOnly = group?.kind === 'int' && group.value > 1;
    const least = storedOnly ? LEAST_DEPTHWISE : LEAST_WEIGHTS;
    const isFloat = weight?.data instanceof Float32Array;
    if (!weight || !isFloat || weight.data.length < least) return [];
    const product = { node, weight, bias: constants.get(inputs[2] ?? ''), storedOnly };
    if (op === 'Conv') return [{ ...product, axis: 0 }];
    const isPlain = !('transA' in attributes || 'transB' in attributes);
    return (op === 'Gemm' && isPlain) || op === 'MatMul' ? [{ ...product, axis: 1 }] : [];
  });
}

/** Values whose ranges quantization needs: inputs of products, and results of convolutions. */
function observedValues(graph: OnnxGraph): readonly string[] {
  const names = productsOf(graph).flatMap(({ node: { op, inputs, outputs }, storedOnly }) => {
    if (storedOnly) return [];
    return op === 'Conv' ? [inputs[0], outputs[0]] : [inputs[0]];
  });
  return [...new Set(names)];
}

/** Name of the smallest or largest value of a value. */
const extreme = (value: string, of: 'min' | 'max'): string => `${value}/${of}`;

/** Adds nodes that compute the ranges of all values that {@link quantized} needs. @returns also their names */
export function observing(graph: OnnxGraph): {
  readonly graph: OnnxGraph;
  readonly values: readonly string[];
} {
  const values = observedValues(graph);
  const nodes = values.flatMap((value) =>
    (['min', 'max'] as const).map((of): OnnxNode => ({
      name: extreme(value, of),
      op: of === 'min' ? 'ReduceMin' : 'ReduceMax',
      domain: '',
      inputs: [value],
      outputs: [extreme(value, of)],
      attributes: { keepdims: int(0) },
    })),
  );
  return { graph: { ...graph, nodes: [...graph.nodes, ...nodes] }, values };
}

/** Outputs of a graph of {@link observing}. */
export const extremes = (value: string): { readonly min: string; readonly max: string } => ({
  min: extreme(value, 'min'),
  max: extreme(value, 'max'),
});

/** Levels of the bytes of activations. */
const BYTE_LEVELS = 255;
/**
 * Largest byte of a weight: half of the range, because processors without dot products of bytes add pairs of products in 16
 * bits, where 2 · 255 · 127 does not fit.
 */
const WEIGHT_LEVELS = 64;

/**
 * Rewrites a network so that convolutions and matrix products run on bytes: activations as uint8 with one scale and zero
 * point, from ranges that were observed; weights as int8 with a scale for each output. Norms, activations and sums stay in
 * single precision. Pairs of `QuantizeLinear` and `DequantizeLinear` say so to runtimes, which merge them with the products.
 *
 * @param graph with folded weights
 * @param rangeOf returns the range of a value
 * @throws ExportError for a value without range
 */
export function quantized(
  graph: OnnxGraph,
  rangeOf: (value: string) => Range | undefined,
): OnnxGraph {
  const products = new Map(productsOf(graph).map((product) => [product.node, product]));
  const writer = new QuantizedWriter(rangeOf, [...products.values()]);
  for (const node of graph.nodes) {
    const product = products.get(node);
    if (product) writer.product(product);
    else writer.nodes.push(node);
  }
  const used = new Set(writer.nodes.flatMap(({ inputs }) => inputs));
  const kept = graph.initializers.filter(({ name }) => used.has(name));
  return {
    ...graph,
    nodes: writer.nodes,
    initializers: [...kept, ...writer.initializers],
    values: undefined,
  };
}

/** Scale and zero point of bytes. */
interface Scale {
  readonly scale: number;
  readonly zero: number;
}

/** Largest sum of bytes as which a bias is stored: half of what int32 holds, so that products can be added. */
const MOST_SUM = 2 ** 30;

/**
 * Bytes of a weight and the scale of each output, which are along an axis.
 *
 * @param least smallest scale of each output
 */
function weightBytes(
  values: Float32Array,
  outputs: number,
  axis: 0 | 1,
  least: ArrayLike<number> = [],
): { readonly scales: Float32Array; readonly bytes: Int8Array } {
  const perOutput = values.length / outputs;
  const outputOf = (i: number): number => (axis === 0 ? Math.floor(i / perOutput) : i % outputs);
  const most = new Float64Array(outputs);
  values.forEach((value, i) => (most[outputOf(i)] = Math.max(most[outputOf(i)], Math.abs(value))));
  const scales = Float32Array.from(most, (value, k) =>
    Math.max(value / WEIGHT_LEVELS, least[k] ?? 0, 1e-12),
  );
  const bytes = Int8Array.from(values, (value, i) => Math.round(value / scales[outputOf(i)]));
  return { scales, bytes };
}

class QuantizedWriter {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  private readonly pairs = new Map<string, string>();
  /** Smallest scale of each output of a weight. */
  private readonly least = new Map<string, Float64Array>();

  constructor(
    private readonly rangeOf: (value: string) => Range | undefined,
    products: readonly Product[],
  ) {
    for (const product of products) this.noteLeast(product);
  }

  /** Notes how small the scales of a weight may be, so that the biases of all its products fit into their sums. */
  private noteLeast({ node, weight, bias, axis, storedOnly }: Product): void {
    if (storedOnly || !bias) return;
    const least = this.least.get(weight.name) ?? new Float64Array(weight.shape[axis]);
    const { scale } = this.scaleOf(node.inputs[0]);
    (bias.data as Float32Array).forEach((value, k) => {
      least[k] = Math.max(least[k], Math.abs(value) / (scale * MOST_SUM));
    });
    this.least.set(weight.name, least);
  }

  /** Writes a product on bytes. */
  product({ node, weight, bias, axis, storedOnly }: Product): void {
    const { op, inputs, outputs } = node;
    if (storedOnly) {
      const stored = this.storedWeight(weight);
      this.nodes.push({ ...node, inputs: [inputs[0], stored, ...inputs.slice(2)] });
      return;
    }
    const { name: factors, scales } = this.weight(weight, axis);
    const { dequantized: input, scale } = this.bytes(inputs[0]);
    const units = scales.map((each) => each * scale);
    const own = bias ? [this.bias(bias, units)] : inputs.slice(2);
    if (op !== 'Conv') {
      this.nodes.push({ ...node, inputs: [input, factors, ...own] });
      return;
    }
    const result = `${outputs[0]}/exact`;
    this.nodes.push({ ...node, inputs: [input, factors, ...own], outputs: [result] });
    this.pair(result, this.scaleOf(outputs[0]), outputs[0]);
  }

  /** A value through bytes. */
  private bytes(value: string): { readonly dequantized: string } & Scale {
    const scale = this.scaleOf(value);
    const before = this.pairs.get(value);
    if (before !== undefined) return { dequantized: before, ...scale };
    const dequantized = `${value}/dequantized`;
    this.pair(value, scale, dequantized);
    this.pairs.set(value, dequantized);
    return { dequantized, ...scale };
  }

  private scaleOf(value: string): Scale {
    const range = this.rangeOf(value);
    if (!range) throw new ExportError(`export: expected a range of ${value}, got none`);
    const [min, max] = [Math.min(range.min, 0), Math.max(range.max, 0)];
    const scale = Math.fround(Math.max((max - min) / BYTE_LEVELS, 1e-12));
    return { scale, zero: Math.min(Math.max(Math.round(-min / scale), 0), BYTE_LEVELS) };
  }

  private pair(from: string, { scale, zero }: Scale, to: string): void {
    const parameters = [
      this.constant(`${to}/scale`, { shape: [], type: 'float32', data: Float32Array.of(scale) }),
      this.constant(`${to}/zero`, { shape: [], type: 'uint8', data: Uint8Array.of(zero) }),
    ];
    this.emit('QuantizeLinear', `${to}/quantize`, [from, ...parameters], `${to}/bytes`);
    this.emit('DequantizeLinear', `${to}/dequantize`, [`${to}/bytes`, ...parameters], to);
  }

  /** A weight as bytes with a scale for each output. */
  private weight(
    { name, shape, data }: OnnxInitializer,
    axis: 0 | 1,
  ): { readonly name: string; readonly scales: readonly number[] } {
    const outputs = shape[axis];
    const { scales, bytes } = weightBytes(
      data as Float32Array,
      outputs,
      axis,
      this.least.get(name),
    );
    const to = `${name}/dequantized`;
    if (!this.pairs.has(name)) {
      this.pairs.set(name, to);
      const stored = [
        this.constant(`${name}/int8`, { shape, type: 'int8', data: bytes }),
        this.constant(`${name}/scales`, { shape: [outputs], type: 'float32', data: scales }),
        // Optional, but ONNX Runtime merges only what has them.
        this.constant(`${name}/zeros`, {
          shape: [outputs],
          type: 'int8',
          data: new Int8Array(outputs),
        }),
      ];
      this.emit('DequantizeLinear', `${name}/dequantize`, stored, to, { axis: int(axis) });
    }
    return { name: to, scales: Array.from(scales) };
  }

  /** A weight `[C, …]` whose bytes runtimes convert when they open the file. */
  private storedWeight({ name, shape, data }: OnnxInitializer): string {
    const [outputs, ...others] = shape;
    const { scales, bytes } = weightBytes(data as Float32Array, outputs, 0);
    const factors = {
      shape: [outputs, ...others.map(() => 1)],
      type: 'float32',
      data: scales,
    } as const;
    const stored = this.constant(`${name}/int8`, { shape, type: 'int8', data: bytes });
    const to = int(ONNX_TYPE.float32);
    this.emit('Cast', `${name}/convert`, [stored], `${name}/converted`, { to });
    const scale = this.constant(`${name}/scales`, factors);
    this.emit('Mul', `${name}/scale`, [`${name}/converted`, scale], `${name}/stored`);
    return `${name}/stored`;
  }

  /** A bias in units of the product of both scales, as the sums of bytes are. */
  private bias({ name, data }: OnnxInitializer, units: readonly number[]): string {
    const scales = Float32Array.from(units);
    const sums = Int32Array.from(data as Float32Array, (value, k) => Math.round(value / scales[k]));
    // The scale depends on the input, which another product with this bias may not share.
    const own = `${name}/${this.initializers.length}`;
    const stored = [
      this.constant(`${own}/int32`, { shape: [sums.length], type: 'int32', data: sums }),
      this.constant(`${own}/scales`, { shape: [sums.length], type: 'float32', data: scales }),
      this.constant(`${own}/zeros`, {
        shape: [sums.length],
        type: 'int32',
        data: new Int32Array(sums.length),
      }),
    ];
    this.emit('DequantizeLinear', `${own}/dequantize`, stored, own, { axis: int(0) });
    return own;
  }

  private constant(name: string, value: Omit<OnnxInitializer, 'name'>): string {
    if (!this.initializers.some((known) => known.name === name))
      this.initializers.push({ ...value, name });
    return name;
  }

  private emit(
    op: string,
    name: string,
    inputs: readonly string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ): void {
    this.nodes.push({ name, op, domain: '', inputs, outputs: [output], attributes });
  }
}
