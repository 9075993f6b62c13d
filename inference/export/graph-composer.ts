import { ConfigError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import {
  int,
  ONNX_TYPE,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxType,
  type OnnxValue,
} from '../../engine/onnx/graph.js';

/** Name of a graph value. */
export type ValueName = string;

/** Opset of the operators that the composer and captured graphs use; {@link file://../../engine/onnx/opset.ts} has others. */
const COMPOSED_OPSET = 20;

/** Number of values up to which equal constants are stored once. */
const SHARED_CONSTANT = 16;

/**
 * Composes a graph of hand-written nodes and captured graphs. Shapes between nodes are inferred by the runtime, so parts
 * whose sizes depend on the data (suppression) can be combined with captured ones.
 */
export class GraphComposer {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers: OnnxInitializer[] = [];
  private readonly inputs: OnnxValue[] = [];
  private readonly known = new Map<string, readonly ValueName[]>();
  private readonly shared = new Map<string, ValueName>();
  private count = 0;

  /** Declares an input. */
  input(value: OnnxValue): ValueName {
    this.inputs.push(value);
    return value.name;
  }

  /** Adds a float constant. @param shape `[n]` if not given */
  floats(values: ArrayLike<number>, shape: readonly number[] = [values.length]): ValueName {
    return this.constant({ shape, type: 'float32', data: Float32Array.from(values) });
  }

  /** Adds a constant of double precision. @param shape `[n]` if not given */
  doubles(values: ArrayLike<number>, shape: readonly number[] = [values.length]): ValueName {
    return this.constant({ shape, type: 'float64', data: Float64Array.from(values) });
  }

  /** Adds an int32 constant. @param shape `[n]` if not given */
  int32s(values: ArrayLike<number>, shape: readonly number[] = [values.length]): ValueName {
    return this.constant({ shape, type: 'int32', data: Int32Array.from(values) });
  }

  /** Adds an int64 constant, ONNX's type of indices and sizes. @param shape `[n]` if not given */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): ValueName {
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    return this.constant({ shape, type: 'int64', data });
  }

  /** Emits a standard operation with one output, or finds an equal one. */
  op(
    op: string,
    inputs: readonly ValueName[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): ValueName {
    return this.ops(op, inputs, 1, attributes)[0];
  }

  /** Emits a standard operation with several outputs, or finds an equal one. */
  ops(
    op: string,
    inputs: readonly ValueName[],
    numOutputs: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): readonly ValueName[] {
    const key = `${op}(${inputs.join()})${numOutputs}${JSON.stringify(attributes)}`;
    const before = this.known.get(key);
    if (before) return before;
    const name = `${op}_${++this.count}`;
    const outputs = Array.from({ length: numOutputs }, (_, i) => `${name}:${i}`);
    this.nodes.push({ name, op, domain: '', inputs, outputs, attributes });
    this.known.set(key, outputs);
    return outputs;
  }

  /** Converts a value to another type. */
  cast(value: ValueName, type: OnnxType): ValueName {
    return this.op('Cast', [value], { to: int(ONNX_TYPE[type]) });
  }

  /** Applies an operation of two operands to a chain of values: `((a ∘ b) ∘ c) …`. */
  chain(op: string, first: ValueName, ...others: readonly ValueName[]): ValueName {
    return others.reduce((left, right) => this.op(op, [left, right]), first);
  }

  /** Joins values along an axis. */
  concat(values: readonly ValueName[], axis = 0): ValueName {
    return values.length === 1 ? values[0] : this.op('Concat', values, { axis: int(axis) });
  }

  /** Numbers 0 … count − 1. @param count int64 `[1]` @returns int64 `[count]` */
  range(count: ValueName): ValueName {
    const end = this.op('Squeeze', [count, this.integers([0])]);
    return this.op('Range', [this.integers([0], []), end, this.integers([1], [])]);
  }

  /** Reads sizes of a value. @returns int64 `[1]` for each axis */
  sizes(value: ValueName, axes: readonly number[]): readonly ValueName[] {
    const shape = this.op('Shape', [value]);
    return axes.map((axis) => this.op('Gather', [shape, this.integers([axis])]));
  }

  /**
   * Inserts a captured graph.
   *
   * @param prefix prefix of its names
   * @param given values of its inputs
   * @returns its outputs by name
   * @throws ConfigError for an input without value
   */
  inline(
    graph: OnnxGraph,
    prefix: string,
    given: Readonly<Record<string, ValueName>>,
  ): Readonly<Record<string, ValueName>> {
    const missing = graph.inputs.find(({ name }) => given[name] === undefined);
    if (missing) throw new ConfigError(`export: expected a value for ${prefix}'s ${missing.name}`);
    const renamed = (name: ValueName): ValueName =>
      name === '' ? '' : (given[name] ?? `${prefix}/${name}`);
    for (const initializer of graph.initializers)
      this.initializers.push({ ...initializer, name: renamed(initializer.name) });
    for (const node of graph.nodes)
      this.nodes.push({
        ...node,
        name: `${prefix}/${node.name}`,
        inputs: node.inputs.map(renamed),
        outputs: node.outputs.map(renamed),
      });
    return Object.fromEntries(graph.outputs.map(({ name }) => [name, renamed(name)]));
  }

  /** Builds the graph with named outputs. */
  finish(name: string, outputs: readonly (OnnxValue & { readonly from: ValueName })[]): OnnxGraph {
    for (const { name: to, from } of outputs)
      this.nodes.push({
        name: `output_${to}`,
        op: 'Identity',
        domain: '',
        inputs: [from],
        outputs: [to],
        attributes: {},
      });
    return {
      name,
      nodes: this.nodes,
      inputs: this.inputs,
      outputs: outputs.map(({ from: _, ...value }) => value),
      initializers: this.initializers,
      opsets: { '': COMPOSED_OPSET },
    };
  }

  private constant(value: Omit<OnnxInitializer, 'name'>): ValueName {
    const { shape, type, data } = value;
    if (data.length !== numElements(shape))
      throw new ConfigError(`export: expected ${numElements(shape)} values of a constant`);
    const key = data.length <= SHARED_CONSTANT ? `${type}[${shape.join()}]${data.join()}` : '';
    const before = this.shared.get(key);
    if (before !== undefined) return before;
    const name = `constant_${++this.count}`;
    if (key !== '') this.shared.set(key, name);
    this.initializers.push({ ...value, name });
    return name;
  }
}
