import { ConfigError } from '../../core/errors.js';
import { sameShape } from '../../core/shape.js';
import type { OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from './graph.js';

/** A graph for certain sizes of its inputs, and what identifies its family. */
export interface SizedGraph {
  readonly graph: OnnxGraph;
  /** Operations, attributes and connections, without sizes and the values of constants; equal within a family. */
  readonly structure: string;
  /** The constant at each place where a node reads one, in the order of nodes and their inputs. */
  readonly constants: readonly OnnxInitializer[];
}

/** Determines the structure and constants of a graph. */
export function sizedGraph(graph: OnnxGraph): SizedGraph {
  const initializers = new Map(graph.initializers.map((constant) => [constant.name, constant]));
  const ranks = new Map(graph.values?.map(({ name, shape }) => [name, shape.length]));
  const labels = new Map<string, string>();
  for (const { name, shape, type } of graph.inputs)
    labels.set(name, `${name}:${type}${shape.length}`);
  const constants: OnnxInitializer[] = [];
  const lines = graph.nodes.map(({ op, domain, inputs, outputs, attributes }, i) => {
    const operands = inputs.map((name) => {
      const constant = initializers.get(name);
      if (constant === undefined) return labels.get(name) ?? '';
      constants.push(constant);
      return constantLabel(constant);
    });
    outputs.forEach((name, k) => labels.set(name, `${i}.${k}`));
    const shapes = outputs.map((name) => ranks.get(name) ?? '');
    return `${domain} ${op}(${operands.join()})${shapes.join()}${JSON.stringify(attributes)}`;
  });
  const ends = graph.outputs.map(({ name, type }) => `${name}:${type}=${labels.get(name)}`);
  return { graph, structure: [...lines, ...ends].join('\n'), constants };
}

/** Rank and type; the length of a vector of integers, usually a shape, is a rank, too. */
function constantLabel({ shape, type }: OnnxInitializer): string {
  return type === 'int64' ? `${type}[${shape.join()}]` : `${type}${shape.length}`;
}

/** Prefix of the inputs that replace constants. */
const INPUT = 'constant:';

/** Operands that are sizes or positions, so that they change with the sizes of what the operation works on. */
const SIZE_OPERANDS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Slice: [1, 2],
  Pad: [1],
};

/**
 * Graphs of one structure, e.g. of one network for images of several sizes, and the graph that computes what any of them
 * does: sizes of whatever depends on an input of several sizes are unknown, and shapes and other constants that may differ
 * are inputs. It is a compromise between opening a session for each size, which costs more than a run, and graphs that
 * compute their shapes. Before a second size is known, the graph is left as it is.
 */
export class GraphFamily {
  /** Names of inputs of several sizes, and of what depends on them. */
  private readonly resized = new Set<string>();
  /** Of each place: whether its constant may differ between members. */
  private readonly differs: boolean[];
  /** Of each place: whether it is a size, which has an input of its own: two that are equal by chance rarely stay so. */
  private readonly isSize: boolean[] = [];
  /** Group of each other place, which has one input: places of a group had equal constants in every member. */
  private groups: readonly number[];

  /** @param resizedInputs inputs that have other sizes in other graphs, if already known */
  constructor(
    private readonly first: SizedGraph,
    resizedInputs: Iterable<string> = [],
  ) {
    this.groups = numbered(first.constants.map(({ name }) => name));
    this.differs = first.constants.map(() => false);
    this.resize(resizedInputs);
  }

  /**
   * Adds a graph.
   *
   * @returns whether {@link GraphFamily.graph} changed
   * @throws ConfigError if it has another structure
   */
  add({ graph, structure, constants }: SizedGraph): boolean {
    const { first } = this;
    if (structure !== first.structure)
      throw new ConfigError(`${graph.name}: expected a graph of the same structure`);
    const before = this.state;
    this.resize([...resizedInputs(first.graph, graph), ...resizedResults(first.graph, graph)]);
    this.groups = numbered(constants.map(({ name }, place) => `${this.groups[place]} ${name}`));
    constants.forEach((constant, place) => {
      this.differs[place] ||= !sameConstant(constant, first.constants[place]);
    });
    return this.state !== before;
  }

  /** Graph for all members. */
  get graph(): OnnxGraph {
    const { graph, constants } = this.first;
    if (!this.hasInputs) return graph;
    const added = new Map<string, OnnxValue>();
    const operands: string[][] = graph.nodes.map(({ inputs }) => [...inputs]);
    const kept = new Set<string>();
    let place = 0;
    this.forEachPlace((_, operand, node) => {
      const { name, shape, type } = constants[place];
      if (this.differs[place]) {
        const input = this.inputAt(place);
        operands[node][operand] = input;
        // The length of a vector of sizes is the rank of what they belong to.
        added.set(input, { name: input, shape: type === 'int64' ? shape : unknown(shape), type });
      } else kept.add(name);
      place++;
    });
    const resize = (value: OnnxValue): OnnxValue =>
      this.resized.has(value.name) ? { ...value, shape: unknown(value.shape) } : value;
    return {
      ...graph,
      nodes: graph.nodes.map((node, i): OnnxNode => ({ ...node, inputs: operands[i] })),
      inputs: [...graph.inputs.map(resize), ...added.values()],
      outputs: graph.outputs.map(resize),
      initializers: graph.initializers.filter(({ name }) => kept.has(name)),
      values: graph.values?.map(resize),
    };
  }

  /** Values of the inputs that replace constants, for a member. */
  inputsOf(constants: SizedGraph['constants']): ReadonlyMap<string, OnnxInitializer> {
    const inputs = new Map<string, OnnxInitializer>();
    this.groups.forEach((_, place) => {
      if (this.differs[place]) inputs.set(this.inputAt(place), constants[place]);
    });
    return inputs;
  }

  private get hasInputs(): boolean {
    return this.differs.includes(true) || this.resized.size > 0;
  }

  /** Identifies {@link GraphFamily.graph}. */
  private get state(): string {
    const inputs = this.differs.map((differs, place) => (differs ? this.inputAt(place) : ''));
    return `${this.resized.size} ${inputs.join()}`;
  }

  private inputAt(place: number): string {
    return `${INPUT}${this.isSize[place] ? `size${place}` : this.groups[place]}`;
  }

  /** Marks inputs or results, and what depends on them. */
  private resize(names: Iterable<string>): void {
    const before = this.resized.size;
    for (const name of names) this.resized.add(name);
    if (this.resized.size === before) return;
    for (const node of this.first.graph.nodes) {
      if (node.inputs.some((name) => this.resized.has(name)))
        node.outputs.forEach((name) => this.resized.add(name));
    }
    let place = 0;
    this.forEachPlace(({ op, outputs }, operand) => {
      const isSize = SIZE_OPERANDS[op]?.includes(operand) ?? false;
      this.isSize[place] = isSize && this.resized.has(outputs[0]);
      this.differs[place] ||= this.isSize[place];
      place++;
    });
  }

  /** Visits all places in their order. */
  private forEachPlace(visit: (node: OnnxNode, operand: number, nodeIndex: number) => void): void {
    const names = new Set(this.first.graph.initializers.map(({ name }) => name));
    this.first.graph.nodes.forEach((node, i) => {
      node.inputs.forEach((name, operand) => {
        if (names.has(name)) visit(node, operand, i);
      });
    });
  }
}

/** Numbers equal keys alike: the index of the first one. */
function numbered(keys: readonly string[]): readonly number[] {
  const numbers = new Map<string, number>();
  return keys.map((key, i) => {
    const number = numbers.get(key) ?? i;
    numbers.set(key, number);
    return number;
  });
}

/** Names of inputs whose shapes differ. */
export function resizedInputs(
  a: Pick<OnnxGraph, 'inputs'>,
  b: Pick<OnnxGraph, 'inputs'>,
): readonly string[] {
  const shapes = new Map(a.inputs.map(({ name, shape }) => [name, shape]));
  return b.inputs
    .filter(({ name, shape }) => !sameShape(shape, shapes.get(name) ?? shape))
    .map(({ name }) => name);
}

/** Names in `a` of results whose shapes differ, in graphs of one structure. */
function resizedResults(a: OnnxGraph, b: OnnxGraph): readonly string[] {
  const shapesOf = ({ values = [] }: OnnxGraph): ReadonlyMap<string, readonly number[]> =>
    new Map(values.map(({ name, shape }) => [name, shape]));
  const [inA, inB] = [shapesOf(a), shapesOf(b)];
  return a.nodes.flatMap(({ outputs }, i) =>
    outputs.filter((name, k) => {
      const [shape, other] = [inA.get(name), inB.get(b.nodes[i].outputs[k])];
      return shape !== undefined && other !== undefined && !sameShape(shape, other);
    }),
  );
}

const unknown = (shape: readonly number[]): number[] => shape.map(() => -1);

function sameConstant(a: OnnxInitializer, b: OnnxInitializer): boolean {
  if (a.type !== b.type || a.data.length !== b.data.length) return false;
  if (!sameShape(a.shape, b.shape)) return false;
  const { buffer, byteOffset } = a.data;
  if (buffer === b.data.buffer && byteOffset === b.data.byteOffset) return true;
  return a.data.every((value, i) => Object.is(value, b.data[i]));
}
