import { ConfigError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import type {
  OnnxAttribute,
  OnnxGraph,
  OnnxInitializer,
  OnnxNode,
  OnnxValue,
} from '../../engine/onnx/graph.js';
import { ONNX_TYPE } from '../../engine/onnx/graph.js';

/** Name of a graph value. */
export type ValueName = string;

/** Opset of exported files: RoiAlign with half-pixel coordinates needs 16, Split into equal parts 18. */
const EXPORT_OPSET = 20;

/**
 * Composes a graph of hand-written nodes and captured graphs. Shapes between nodes are inferred by the runtime, so parts
 * whose sizes depend on the data (suppression) can be combined with captured ones of fixed size.
 */
export class GraphComposer {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers: OnnxInitializer[] = [];
  private readonly inputs: OnnxValue[] = [];
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

  /** Adds an int64 constant, ONNX's type of indices and sizes. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): ValueName {
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    return this.constant({ shape, type: 'int64', data });
  }

  /** Emits a standard operation with one output. */
  op(
    op: string,
    inputs: readonly ValueName[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): ValueName {
    return this.ops(op, inputs, 1, attributes)[0];
  }

  /** Emits a standard operation with several outputs. */
  ops(
    op: string,
    inputs: readonly ValueName[],
    numOutputs: number,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): readonly ValueName[] {
    const name = `${op}_${++this.count}`;
    const outputs = Array.from({ length: numOutputs }, (_, i) => `${name}:${i}`);
    this.nodes.push({ name, op, domain: '', inputs, outputs, attributes });
    return outputs;
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
      outputs: outputs.map(({ name: to, shape, type }) => ({ name: to, shape, type })),
      initializers: this.initializers,
      opsets: { '': EXPORT_OPSET },
    };
  }

  private constant(value: Omit<OnnxInitializer, 'name'>): ValueName {
    const name = `constant_${++this.count}`;
    if (value.data.length !== numElements(value.shape))
      throw new ConfigError(`export: expected ${numElements(value.shape)} values of a constant`);
    this.initializers.push({ ...value, name });
    return name;
  }
}

/** Attribute values of Cast. */
export const CAST_TO = ONNX_TYPE;
