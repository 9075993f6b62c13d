import * as tf from '@tensorflow/tfjs';

/** Attribute of an operation, as tfjs-node passes it to TensorFlow. */
interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

interface LibraryTensor {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: Values;
}

/** Numbers of TensorFlow's C interface. */
const TYPE = { float32: 1, int32: 3, bool: 10 } as const;
type TypeName = keyof typeof TYPE;
const VALUES = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
type Values = Float32Array | Int32Array | Uint8Array;

/** Inputs and attributes of an operation. */
class Call {
  private readonly cpu = tf.findBackend('cpu') as tf.KernelBackend;
  private readonly attributes: ReadonlyMap<string, unknown>;

  constructor(
    private readonly op: string,
    attributes: readonly OpAttribute[],
    private readonly given: readonly LibraryTensor[],
  ) {
    this.attributes = new Map(attributes.map(({ name, value }) => [name, value]));
  }

  attribute<T>(name: string): T {
    if (!this.attributes.has(name)) throw new Error(`${this.op}: expected attribute ${name}`);
    return this.attributes.get(name) as T;
  }

  /** Number of inputs. */
  get size(): number {
    return this.given.length;
  }

  /** Input `i`, which must have the type that attribute `typed` states: TensorFlow converts nothing. */
  input(i: number, typed = 'T'): tf.TensorInfo {
    const { shape, dtype, values } = this.given[i];
    const stated = this.attributes.get(typed) ?? dtype; // TensorFlow infers what is not stated
    if (dtype !== stated)
      throw new Error(`${this.op}: expected input ${i} of type ${stated}, got ${dtype}`);
    const type = typeName(dtype);
    return {
      shape: [...shape],
      dtype: type,
      dataId: this.cpu.write(values, [...shape], type) as tf.DataId,
    };
  }

  /** Input `i` of indices, axes or sizes. */
  ints(i: number): number[] {
    const { dtype, values } = this.given[i];
    if (dtype !== TYPE.int32)
      throw new Error(`${this.op}: expected int32 input ${i}, got ${dtype}`);
    return [...values];
  }

  /** Computes one of tfjs's kernels. */
  kernel(name: string, inputs: object, attrs: object = {}): tf.TensorInfo | tf.TensorInfo[] {
    const config = tf.getKernel(name, 'cpu');
    return config.kernelFunc({
      inputs: inputs as tf.NamedTensorInfoMap,
      attrs: attrs as tf.NamedAttrMap,
      backend: this.cpu,
    });
  }

  /** The values of a cpu tensor. Its casts share data, so that booleans may be stored as another type. */
  values({ dataId, dtype }: tf.TensorInfo): Values {
    return VALUES[dtype as TypeName].from(this.cpu.readSync(dataId) as Values);
  }
}

function typeName(dtype: number): TypeName {
  const found = Object.entries(TYPE).find(([, number]) => number === dtype);
  if (!found) throw new Error(`stub library: expected float32, int32 or bool, got type ${dtype}`);
  return found[0] as TypeName;
}

type Op = (call: Call) => tf.TensorInfo | tf.TensorInfo[];

const unary =
  (kernel: string): Op =>
  (call) =>
    call.kernel(kernel, { x: call.input(0) });
const binary =
  (kernel: string): Op =>
  (call) =>
    call.kernel(kernel, { a: call.input(0), b: call.input(1) });
const reduction =
  (kernel: string, axes: string): Op =>
  (call) =>
    call.kernel(
      kernel,
      { x: call.input(0) },
      { [axes]: call.ints(1), keepDims: call.attribute('keep_dims') },
    );

/** Attributes of a convolution. TensorFlow gets explicit paddings in the forward direction only. */
function convolution(call: Call, direction: 'forward' | 'backward'): object {
  const padding = call.attribute<string>('padding');
  const known = direction === 'forward' ? ['SAME', 'VALID', 'EXPLICIT'] : ['SAME', 'VALID'];
  if (!known.includes(padding)) throw new Error(`expected padding ${known}, got ${padding}`);
  if (call.attribute('data_format') !== 'NHWC') throw new Error('expected NHWC');
  const inner = (name: string): number[] => call.attribute<number[]>(name).slice(1, 3);
  const explicit = (): number[][] => {
    const flat = call.attribute<number[]>('explicit_paddings');
    return [0, 2, 4, 6].map((i) => flat.slice(i, i + 2));
  };
  return {
    strides: inner('strides'),
    dilations: inner('dilations'),
    pad: padding === 'EXPLICIT' ? explicit() : padding.toLowerCase(),
    dataFormat: 'NHWC',
  };
}

const forwardConv =
  (kernel: string): Op =>
  (call) =>
    call.kernel(kernel, { x: call.input(0), filter: call.input(1) }, convolution(call, 'forward'));
const inputGradient =
  (kernel: string): Op =>
  (call) =>
    call.kernel(
      kernel,
      { filter: call.input(1), dy: call.input(2) },
      { ...convolution(call, 'backward'), inputShape: call.ints(0) },
    );
const filterGradient =
  (kernel: string): Op =>
  (call) =>
    call.kernel(
      kernel,
      { x: call.input(0), dy: call.input(2) },
      { ...convolution(call, 'backward'), filterShape: call.ints(1) },
    );

const same = (make: (kernel: string) => Op, names: readonly string[]): Record<string, Op> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));

/** TensorFlow's operations that the models reach, by means of tfjs's cpu kernels. */
const OPS: Readonly<Record<string, Op>> = {
  ...same(unary, ['Abs', 'Erf', 'Exp', 'Log', 'Log1p', 'Neg', 'Relu', 'Rsqrt', 'Sigmoid']),
  ...same(unary, ['IsNan', 'Sign', 'Softplus', 'Sqrt', 'Square', 'Tanh', 'ZerosLike']),
  ...same(binary, ['Add', 'Maximum', 'Minimum', 'Pow', 'RealDiv', 'Sub']),
  ...same(binary, ['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual']),
  Mul: binary('Multiply'),
  LogicalAnd: (call) =>
    call.kernel('LogicalAnd', { a: call.input(0, 'bool'), b: call.input(1, 'bool') }),
  ...same((name) => reduction(name, 'axis'), ['Mean', 'Sum']),
  Max: reduction('Max', 'reductionIndices'),
  ...same(forwardConv, ['Conv2D', 'DepthwiseConv2dNative']),
  ...same(inputGradient, ['Conv2DBackpropInput', 'DepthwiseConv2dNativeBackpropInput']),
  ...same(filterGradient, ['Conv2DBackpropFilter', 'DepthwiseConv2dNativeBackpropFilter']),
  AddN: (call) =>
    call.kernel(
      'AddN',
      Array.from({ length: call.attribute('N') }, (_, i) => call.input(i)),
    ),
  BatchMatMulV2: (call) =>
    call.kernel(
      'BatchMatMul',
      { a: call.input(0), b: call.input(1) },
      { transposeA: call.attribute('adj_x'), transposeB: call.attribute('adj_y') },
    ),
  Cast: (call) =>
    call.kernel(
      'Cast',
      { x: call.input(0, 'SrcT') },
      { dtype: typeName(call.attribute<number>('DstT')) },
    ),
  Fill: (call) =>
    call.kernel(
      'Fill',
      {},
      { shape: call.ints(0), value: call.values(call.input(1))[0], dtype: call.input(1).dtype },
    ),
  ConcatV2: (call) => {
    const n = call.attribute<number>('N');
    const inputs = Array.from({ length: n }, (_, i) => call.input(i));
    return call.kernel('Concat', inputs, { axis: call.ints(n)[0] });
  },
  ExpandDims: (call) =>
    call.kernel('ExpandDims', { input: call.input(0) }, { dim: call.ints(1)[0] }),
  OneHot: (call) =>
    call.kernel(
      'OneHot',
      { indices: call.input(0, 'TI') },
      {
        depth: call.ints(1)[0],
        onValue: call.values(call.input(2))[0],
        offValue: call.values(call.input(3))[0],
        dtype: typeName(call.attribute<number>('T')),
      },
    ),
  PadV2: (call) => {
    const flat = call.ints(1);
    const paddings = Array.from({ length: flat.length / 2 }, (_, i) => [
      flat[2 * i],
      flat[2 * i + 1],
    ]);
    const constantValue = call.values(call.input(2))[0];
    return call.kernel('PadV2', { x: call.input(0) }, { paddings, constantValue });
  },
  GatherV2: (call) =>
    call.kernel(
      'GatherV2',
      { x: call.input(0), indices: call.input(1, 'Tindices') },
      { axis: call.ints(2)[0], batchDims: call.attribute('batch_dims') },
    ),
  Reshape: (call) => call.kernel('Reshape', { x: call.input(0) }, { shape: call.ints(1) }),
  ReverseV2: (call) => call.kernel('Reverse', { x: call.input(0) }, { dims: call.ints(1) }),
  Softmax: (call) => call.kernel('Softmax', { logits: call.input(0) }, { dim: -1 }),
  Slice: (call) =>
    call.kernel('Slice', { x: call.input(0) }, { begin: call.ints(1), size: call.ints(2) }),
  /** Does not broadcast, unlike `SelectV2`. */
  Select: (call) => {
    const [condition, t, e] = [call.input(0, 'bool'), call.input(1), call.input(2)];
    for (const { shape } of [t, e])
      if (shape.join() !== condition.shape.join()) throw new Error('Select: expected equal shapes');
    return call.kernel('Select', { condition, t, e });
  },
  SplitV: (call) =>
    call.kernel(
      'SplitV',
      { x: call.input(0) },
      { numOrSizeSplits: call.ints(1), axis: call.ints(2)[0] },
    ),
  Tile: (call) => call.kernel('Tile', { x: call.input(0) }, { reps: call.ints(1) }),
  Transpose: (call) => call.kernel('Transpose', { x: call.input(0) }, { perm: call.ints(1) }),
};

/**
 * Takes the place of tfjs-node's native library: the interface of its `TFJSBinding`, with TensorFlow's types checked
 * as strictly as TensorFlow does, and the operations computed by tfjs's cpu kernels.
 */
export class StubLibrary {
  readonly TF_FLOAT = TYPE.float32;
  readonly TF_INT32 = TYPE.int32;
  readonly TF_BOOL = TYPE.bool;
  readonly TF_UINT8 = 4;
  readonly TF_STRING = 7;
  readonly TF_COMPLEX64 = 8;
  readonly TF_INT64 = 9;
  readonly TF_RESOURCE = 20;
  readonly TF_ATTR_STRING = 0;
  readonly TF_ATTR_INT = 1;
  readonly TF_ATTR_FLOAT = 2;
  readonly TF_ATTR_BOOL = 3;
  readonly TF_ATTR_TYPE = 4;
  readonly TF_ATTR_SHAPE = 5;

  /** Names of the operations that were executed, in order. */
  readonly executed: string[] = [];
  private readonly tensors = new Map<number, LibraryTensor>();
  private nextId = 1;

  constructor(private readonly usesGpu: boolean) {}

  isUsingGpuDevice(): boolean {
    return this.usesGpu;
  }

  getNumOfTensors(): number {
    return this.tensors.size;
  }

  createTensor(shape: readonly number[], dtype: number, values: Values): number {
    const Values = VALUES[typeName(dtype)];
    const size = shape.reduce((product, length) => product * length, 1);
    if (!(values instanceof Values) || values.length !== size)
      throw new Error(`createTensor: expected ${size} values of ${Values.name}, got other ones`);
    this.tensors.set(this.nextId, { shape: [...shape], dtype, values: values.slice() });
    return this.nextId++;
  }

  deleteTensor(id: number): void {
    if (!this.tensors.delete(id)) throw new Error(`deleteTensor: expected a tensor, got ${id}`);
  }

  tensorDataSync(id: number): Values {
    return this.tensor(id).values.slice();
  }

  executeOp(
    op: string,
    attributes: readonly OpAttribute[],
    ids: readonly number[],
    numOutputs: number,
  ): { readonly id: number; readonly shape: number[]; readonly dtype: number }[] {
    this.executed.push(op);
    const compute = OPS[op];
    if (!compute) throw new Error(`stub library: expected a known operation, got ${op}`);
    const call = new Call(
      op,
      attributes,
      ids.map((id) => this.tensor(id)),
    );
    const result = compute(call);
    const outputs = Array.isArray(result) ? result : [result];
    if (outputs.length !== numOutputs)
      throw new Error(`${op}: expected ${numOutputs} outputs, got ${outputs.length}`);
    return outputs.map((output) => {
      const dtype = TYPE[output.dtype as TypeName];
      const id = this.createTensor(output.shape, dtype, call.values(output));
      return { id, shape: [...output.shape], dtype };
    });
  }

  private tensor(id: number): LibraryTensor {
    const tensor = this.tensors.get(id);
    if (!tensor) throw new Error(`stub library: expected a tensor, got ${id}`);
    return tensor;
  }
}
