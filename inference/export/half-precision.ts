import { WeightsError } from '../../core/errors.js';
import { float32ToFloat16 } from '../../core/half.js';
import {
  int,
  ONNX_TYPE,
  type OnnxGraph,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxType,
} from '../../engine/onnx/graph.js';

/** Operators with most of the work and of the weights. */
const PRODUCTS = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Operators that only move or select values. */
const MOVES = new Set([
  'Transpose',
  'Reshape',
  'Slice',
  'Concat',
  'Identity',
  'Relu',
  'Tile',
  'Expand',
]);

/**
 * Rewrites a network so that weights, convolutions and matrix products have half precision. Norms, sums over positions,
 * softmax, activations and the sums of residual blocks stay in single precision, which they need: the energies of GRN exceed
 * the range of half precision. Inputs and outputs keep their types.
 *
 * @throws WeightsError for a weight beyond the range
 */
export function halfPrecision(graph: OnnxGraph): OnnxGraph {
  return new HalfRewriter(graph).graph();
}

/** Precision in which a value exists, or is wanted. */
type Form = 'half' | 'float';

class HalfRewriter {
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxInitializer>();
  private readonly weights: ReadonlyMap<string, OnnxInitializer>;
  private readonly types: ReadonlyMap<string, OnnxType>;
  /** Form of values with fractions; float where it has none. */
  private readonly forms = new Map<string, Form>();
  /** Values that were converted, by name and form. */
  private readonly converted = new Map<string, string>();

  constructor(private readonly source: OnnxGraph) {
    const { initializers, inputs, outputs, values = [] } = source;
    this.weights = new Map(initializers.map((weight) => [weight.name, weight]));
    this.types = new Map(
      [...inputs, ...initializers, ...values, ...outputs].map(({ name, type }) => [name, type]),
    );
  }

  graph(): OnnxGraph {
    const { source } = this;
    const ends = new Set(source.outputs.map(({ name }) => name));
    for (const node of source.nodes) this.rewrite(node, ends);
    return {
      ...source,
      nodes: this.nodes,
      initializers: [...this.initializers.values()],
      values: undefined,
    };
  }

  private rewrite(node: OnnxNode, ends: ReadonlySet<string>): void {
    const form = this.formOf(node);
    const inputs = node.inputs.map((name) => this.as(name, form));
    if (form === 'float') {
      this.nodes.push({ ...node, inputs });
      return;
    }
    const [output] = node.outputs;
    const own = ends.has(output) ? `${output}/half` : output;
    this.nodes.push({ ...node, inputs, outputs: [own] });
    if (own === output) this.forms.set(output, 'half');
    else this.cast(own, output, 'float32');
  }

  /** Form in which an operation runs. */
  private formOf({ op, inputs, outputs }: OnnxNode): Form {
    if (!this.isReal(outputs[0])) return 'float';
    if (PRODUCTS.has(op)) return 'half';
    const operands = inputs.filter((name) => this.isReal(name));
    const isHalf = (name: string): boolean => this.forms.get(name) === 'half';
    if (MOVES.has(op)) {
      const isWeight = operands.every((name) => isHalf(name) || this.weights.has(name));
      return operands.length > 0 && isWeight ? 'half' : 'float';
    }
    return 'float';
  }

  /** Whether a value has fractions. */
  private isReal(name: string): boolean {
    return name !== '' && (this.types.get(name) ?? 'float32') === 'float32';
  }

  /** Name of a value in a form. */
  private as(name: string, form: Form): string {
    const weight = this.weights.get(name);
    if (!this.isReal(name)) {
      if (weight) this.initializers.set(name, weight);
      return name;
    }
    if (weight) return this.weight(weight, form);
    if ((this.forms.get(name) ?? 'float') === form) return name;
    const key = `${name}/${form}`;
    const before = this.converted.get(key);
    if (before !== undefined) return before;
    this.converted.set(key, key);
    return this.cast(name, key, form === 'half' ? 'float16' : 'float32');
  }

  private weight(weight: OnnxInitializer, form: Form): string {
    if (form === 'float') {
      this.initializers.set(weight.name, weight);
      return weight.name;
    }
    const name = `${weight.name}/half`;
    if (this.initializers.has(name)) return name;
    const data = float32ToFloat16(weight.data as Float32Array);
    if (data.some((bits) => (bits & 0x7c00) === 0x7c00))
      throw new WeightsError(
        `export: expected values up to 65504 for half precision in ${weight.name}; use --precision fp32`,
      );
    this.initializers.set(name, { ...weight, name, type: 'float16', data });
    return name;
  }

  private cast(from: string, to: string, type: OnnxType): string {
    this.nodes.push({
      name: `cast/${to}`,
      op: 'Cast',
      domain: '',
      inputs: [from],
      outputs: [to],
      attributes: { to: int(ONNX_TYPE[type]) },
    });
    return to;
  }
}
