import { ConfigError } from '../../core/errors.js';
import { numElements, sameShape } from '../../core/shape.js';
import type {
  OnnxAttribute,
  OnnxGraph,
  OnnxInitializer,
  OnnxNode,
  OnnxType,
  OnnxValue,
} from '../onnx/graph.js';
import { ONNX_TYPE, int, ints } from '../onnx/graph.js';
import { foldConstants } from './fold-constants.js';
import { withoutRepeatedSums } from './residual-sums.js';

/** Target of lowering, which decides how convolutions and batched products are written. */
export type Lowering =
  /**
   * For ONNX Runtime's CPU provider: its blocked convolution kernels with dynamic weights. Such graphs must not be
   * stored.
   */
  | { readonly kind: 'cpu'; readonly blockSize: number }
  /**
   * Standard ONNX only: for every provider, other runtimes and export. `stored`: for a file, in which products take the
   * weights as they are, so that other precisions can be chosen for them, and graphs for all sizes are alike.
   */
  | { readonly kind: 'portable'; readonly stored?: boolean };

/** Description of a node for {@link GraphBuilder.emit}. */
interface Emission {
  readonly domain?: string;
  readonly inputs: readonly (OnnxValue | undefined)[];
  readonly outputs: readonly { readonly shape: readonly number[]; readonly type: OnnxType }[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A node with the values that it takes. */
interface Producer {
  readonly node: OnnxNode;
  readonly inputs: readonly (OnnxValue | undefined)[];
  /** First output. */
  readonly output: OnnxValue;
}

const OPSETS: Readonly<Record<string, number>> = {
  '': 20,
  'com.microsoft': 1,
  'com.microsoft.nchwc': 1,
};

/**
 * Collects the nodes of one graph. Equal expressions are emitted once, so a layout change that both the forward and the
 * backward pass need is computed once. Nodes that no output needs are dropped at the end.
 */
export class GraphBuilder {
  private readonly nodes: OnnxNode[] = [];
  /** Results of the nodes by name. */
  private readonly results = new Map<string, OnnxValue>();
  private readonly known = new Map<string, readonly OnnxValue[]>();
  private readonly producers = new Map<string, Producer>();
  private readonly inputs: OnnxValue[] = [];
  private readonly constants = new Map<string, readonly OnnxInitializer[]>();
  private readonly counts = new Map<string, number>();
  private readonly taken = new Set<string>();

  /**
   * @param scope returns the name of the current layer, the prefix of node names
   * @param hasConstantWeights whether weights become constants, so that functions of them cost nothing in a run
   */
  constructor(
    readonly lowering: Lowering,
    readonly scope: () => string = () => '',
    readonly hasConstantWeights = false,
  ) {}

  /** Declares a graph input. */
  input(name: string, shape: readonly number[], type: OnnxType): OnnxValue {
    const value = { name, shape: [...shape], type };
    this.taken.add(name);
    this.inputs.push(value);
    return value;
  }

  /** Appends a node, or finds an equal one, and returns its outputs. */
  emit(
    op: string,
    { domain = '', inputs, outputs, attributes = {} }: Emission,
  ): readonly OnnxValue[] {
    const names = inputs.map((value) => value?.name ?? '');
    const key = `${domain}:${op}(${names.join(',')})${JSON.stringify(attributes)}${outputs.map(({ type }) => type).join()}`;
    const before = this.known.get(key);
    if (before) return before;
    const scope = this.scope();
    const name = this.unique(scope === '' ? op : `${scope}/${op}`);
    const values = outputs.map(({ shape, type }, index) => ({
      name: index === 0 ? name : `${name}.${index}`,
      shape: [...shape],
      type,
    }));
    const outputNames = values.map((value) => value.name);
    const node = { name, op, domain, inputs: names, outputs: outputNames, attributes };
    this.nodes.push(node);
    this.producers.set(name, { node, inputs, output: values[0] });
    this.known.set(key, values);
    for (const value of values) this.results.set(value.name, value);
    return values;
  }

  /** Node whose first output is `x`, or `x` before reshapes; none for inputs and constants. */
  producer(x: OnnxValue): Producer | undefined {
    return this.producers.get((this.reshaped.get(x.name) ?? x).name);
  }

  /** Emits a node with one output. */
  node(
    op: string,
    inputs: readonly (OnnxValue | undefined)[],
    shape: readonly number[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    type: OnnxType = inputs[0]?.type ?? 'float32',
  ): OnnxValue {
    return this.emit(op, { inputs, outputs: [{ shape, type }], attributes })[0];
  }

  /** Emits a node with one output in ONNX Runtime's own domain. */
  contrib(
    domain: 'com.microsoft' | 'com.microsoft.nchwc',
    op: string,
    inputs: readonly (OnnxValue | undefined)[],
    shape: readonly number[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): OnnxValue {
    return this.emit(op, { domain, inputs, outputs: [{ shape, type: 'float32' }], attributes })[0];
  }

  /** Adds a constant; equal constants are stored once. */
  constant(data: OnnxInitializer['data'], shape: readonly number[], type: OnnxType): OnnxValue {
    const key = `${type}[${shape.join()}]${fingerprint(bytesOf(data))}`;
    const alike = this.constants.get(key) ?? [];
    const before = alike.find((constant) => sameBytes(bytesOf(constant.data), bytesOf(data)));
    if (before) return before;
    const value = { name: this.unique('const'), shape: [...shape], type, data };
    this.constants.set(key, [...alike, value]);
    return value;
  }

  /** Adds an int64 vector, ONNX's type of shapes, axes and pads. */
  shapeConstant(values: readonly number[]): OnnxValue {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], 'int64');
  }

  /** Adds a scalar constant. */
  scalar(value: number, type: OnnxType = 'float32'): OnnxValue {
    if (type === 'int32') return this.constant(Int32Array.of(value), [], type);
    if (type === 'bool') return this.constant(Uint8Array.of(value), [], type);
    return this.constant(Float32Array.of(value), [], 'float32');
  }

  /** Reshapes `x`. Consecutive reshapes are merged. */
  reshape(x: OnnxValue, shape: readonly number[]): OnnxValue {
    if (sameShape(x.shape, shape)) return x;
    if (numElements(x.shape) !== numElements(shape)) {
      throw new ConfigError(
        `reshape of ${x.name}: expected ${numElements(x.shape)} elements, got [${shape.join(', ')}]`,
      );
    }
    const source = this.reshaped.get(x.name) ?? x;
    if (sameShape(source.shape, shape)) return source;
    // By default ONNX takes 0 as "the input's size on this axis".
    const attributes = shape.includes(0) ? { allowzero: int(1) } : {};
    const y = this.node('Reshape', [source, this.shapeConstant(shape)], shape, attributes);
    this.reshaped.set(y.name, source);
    return y;
  }

  /** Converts `x` to another type. */
  cast(x: OnnxValue, type: OnnxType): OnnxValue {
    return this.node('Cast', [x], x.shape, { to: int(ONNX_TYPE[type]) }, type);
  }

  /** Transposes `x`. If only axes of size 1 move, this is a reshape. */
  transpose(x: OnnxValue, permutation: readonly number[]): OnnxValue {
    const shape = permutation.map((axis) => x.shape[axis]);
    const moving = permutation.filter((axis) => x.shape[axis] !== 1);
    if (moving.every((axis, i) => i === 0 || moving[i - 1] < axis)) return this.reshape(x, shape);
    return this.node('Transpose', [x], shape, { perm: ints(permutation) });
  }

  /**
   * Builds the graph of all nodes that the named outputs need.
   *
   * @param frozen values of inputs that become constants
   * @param folded constants computed from these for other graphs, by what they are computed of; new ones are added
   */
  finish(
    name: string,
    outputs: Readonly<Record<string, OnnxValue>>,
    frozen: ReadonlyMap<string, Float32Array> = new Map(),
    folded = new Map<string, Float32Array>(),
  ): OnnxGraph {
    const renamed = Object.entries(outputs).map(([as, value]) => ({ as, value }));
    const { newName, copies } = this.outputNames(renamed);
    const rename = (value: string): string => newName.get(value) ?? value;
    const last = copies.map(({ as, value }): OnnxNode => ({
      name: `output/${as}`,
      op: 'Identity',
      domain: '',
      inputs: [rename(value.name)],
      outputs: [as],
      attributes: {},
    }));
    const all = this.folded(frozen);
    const { nodes: kept, needed } = withoutUnused(
      all.nodes,
      renamed.map(({ value }) => value.name),
    );
    const nodes = withoutRepeatedSums(kept).map((node): OnnxNode => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    const ordered = leavesLast([...nodes, ...last]);
    const made = [...all.constants]
      .filter(([constant]) => needed.has(constant))
      .map(([constant, { shape, expression = constant, read }]): OnnxInitializer => {
        const data = folded.get(expression) ?? read();
        if (expression !== constant) folded.set(expression, data);
        return { name: constant, shape, type: 'float32', data };
      });
    const stored = [...[...this.constants.values()].flat(), ...made]
      .filter(({ name: constant }) => needed.has(constant))
      .map((constant) => ({ ...constant, name: rename(constant.name) }));
    const used = this.inputs.filter((input) => needed.has(input.name));
    const initializers = used.flatMap((input) => {
      const data = frozen.get(input.name);
      return data ? [{ ...input, data }] : [];
    });
    const domains = new Set(ordered.map((node) => node.domain));
    return {
      name,
      nodes: ordered,
      inputs: used.filter((input) => !frozen.has(input.name)),
      outputs: renamed.map(({ as, value }) => ({ name: as, shape: value.shape, type: value.type })),
      initializers: [...stored, ...initializers],
      values: kept.flatMap((node) =>
        node.outputs.map((output) => this.resultNamed(output, rename)),
      ),
      opsets: Object.fromEntries(
        Object.entries(OPSETS).filter(([domain]) => domain === '' || domains.has(domain)),
      ),
    };
  }

  /** Nodes, of which those that depend on frozen weights only are replaced by constants where {@link foldConstants} can. */
  private folded(frozen: ReadonlyMap<string, Float32Array>): ReturnType<typeof foldConstants> {
    const { lowering, nodes } = this;
    if (frozen.size === 0 || lowering.kind !== 'cpu') return { nodes, constants: new Map() };
    const known = new Map([...this.constants.values()].flat().map((c) => [c.name, c] as const));
    const weights = new Map(this.inputs.map((input) => [input.name, input] as const));
    return foldConstants(nodes, {
      constant: (name) => {
        const weight = frozen.get(name);
        const shape = weights.get(name)?.shape;
        if (weight && shape) return { shape, expression: name, read: () => weight };
        const constant = known.get(name);
        const data = constant?.data;
        if (!constant || !(data instanceof Float32Array)) return undefined;
        return { shape: constant.shape, read: () => data };
      },
      integers: (name) => {
        const data = known.get(name)?.data;
        return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
      },
      shape: (name) => this.producers.get(name)?.output.shape ?? [],
      block: lowering.blockSize,
    });
  }

  /**
   * Determines which values are renamed to an output, and which outputs need a copy: those of an input, of a constant, or
   * of a value that is already another output. Other values of the same name are renamed.
   */
  private outputNames(outputs: readonly { readonly as: string; readonly value: OnnxValue }[]): {
    readonly newName: ReadonlyMap<string, string>;
    readonly copies: readonly { readonly as: string; readonly value: OnnxValue }[];
  } {
    const produced = new Set(this.nodes.flatMap((node) => node.outputs));
    const constants = [...this.constants.values()].flat().map((constant) => constant.name);
    const newName = new Map<string, string>();
    const copies = outputs.filter(({ as, value }) => {
      if (this.inputs.some((input) => input.name === as))
        throw new ConfigError(`output ${as}: expected a name that no input has`);
      if (!produced.has(value.name) || newName.has(value.name)) return true;
      newName.set(value.name, as);
      return false;
    });
    outputs.forEach(({ as }) => this.taken.add(as));
    for (const { as } of outputs) {
      if ((produced.has(as) || constants.includes(as)) && !newName.has(as))
        newName.set(as, this.unique(as));
    }
    return { newName, copies };
  }

  private resultNamed(name: string, rename: (value: string) => string): OnnxValue {
    return { ...(this.results.get(name) as OnnxValue), name: rename(name) };
  }

  private readonly reshaped = new Map<string, OnnxValue>();

  private unique(base: string): string {
    let count = this.counts.get(base) ?? 0;
    let name = count === 0 ? base : `${base}_${count}`;
    while (this.taken.has(name)) name = `${base}_${++count}`;
    this.counts.set(base, count + 1);
    this.taken.add(name);
    return name;
  }
}

const bytesOf = (data: OnnxInitializer['data']): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** FNV-1a hash. */
function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}

/** Nodes that the outputs need, in the same order, and the names of all values that these need. */
function withoutUnused(
  nodes: readonly OnnxNode[],
  outputs: readonly string[],
): { readonly nodes: readonly OnnxNode[]; readonly needed: ReadonlySet<string> } {
  const needed = new Set(outputs);
  const kept = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return { nodes: kept.reverse(), needed };
}

/**
 * Moves nodes whose results no other node uses to the end, in reverse order. ONNX Runtime orders a graph by a search from
 * these nodes, last one first. So each gradient is computed, and the memory of its inputs freed, as early as possible
 * instead of after the whole backward pass.
 */
function leavesLast(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const isLeaf = (node: OnnxNode): boolean => !node.outputs.some((output) => used.has(output));
  return [...nodes.filter((node) => !isLeaf(node)), ...nodes.filter(isLeaf).reverse()];
}
