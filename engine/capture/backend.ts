import * as tf from '../tfjs.js';
import { ConfigError } from '../../core/errors.js';
import { numElements, sameShape } from '../../core/shape.js';
import type { OnnxType, OnnxValue } from '../onnx/graph.js';
import type { MapShape } from './blocked-layout.js';
import type { GraphBuilder } from './graph-builder.js';
import { firstOfLanes, fromBlocked, repeatedInLanes, toBlocked } from './reorder.js';
import { onnxType, type BlockedRecord, type CaptureRecord } from './record.js';

/** Name of the backend in tfjs. */
export const CAPTURE = 'convnextv2-capture';

/**
 * Capture backend: a tfjs backend for tracing. Its kernels compute nothing but append ONNX nodes to the captured graph,
 * and its tensors stand for named values of that graph.
 */
export class CaptureBackend extends tf.KernelBackend {
  private readonly storage: tf.DataStorage<CaptureRecord>;
  private readonly references = new WeakMap<object, number>();
  private open: GraphBuilder | undefined;

  constructor() {
    super();
    this.storage = new tf.DataStorage<CaptureRecord>(this, tf.engine());
  }

  /** Graph that kernels write to. @throws ConfigError outside a capture */
  get graph(): GraphBuilder {
    if (!this.open) throw new ConfigError('capture: expected a graph to be open, got none');
    return this.open;
  }

  /** Runs `body` while kernels write to `graph`. */
  during<T>(graph: GraphBuilder, body: () => T): T {
    const outer = this.open;
    this.open = graph;
    try {
      return body();
    } finally {
      this.open = outer;
    }
  }

  /** Record of a tensor's data. */
  record(x: tf.TensorInfo): CaptureRecord {
    return this.storage.get(x.dataId);
  }

  /** Creates a tensor for a value of the graph. */
  tensorInfo(value: OnnxValue, shape: readonly number[] = value.shape): tf.TensorInfo {
    return this.store({ kind: 'value', value }, shape, value.type);
  }

  /** Creates a tensor whose elements all equal `fill`. */
  uniformInfo(fill: number, shape: readonly number[], type: OnnxType): tf.TensorInfo {
    return this.store({ kind: 'uniform', fill, type }, shape, type);
  }

  /** Broadcasts `source` to `shape`; nodes for it are emitted only if a kernel needs all elements. */
  broadcastInfo(source: OnnxValue, shape: readonly number[]): tf.TensorInfo {
    if (sameShape(source.shape, shape)) return this.tensorInfo(source);
    return this.store(
      { kind: 'value', value: source, broadcastTo: [...shape] },
      shape,
      source.type,
    );
  }

  /** Creates a tensor of the same data with another shape or an equal type. */
  alias(x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(x.dataId);
    return { dataId: x.dataId, shape: [...shape], dtype: x.dtype };
  }

  /** Value with exactly the shape of the tensor. */
  value(x: tf.TensorInfo): OnnxValue {
    const record = this.record(x);
    switch (record.kind) {
      case 'constant':
        return this.graph.constant(record.data, x.shape, record.type);
      case 'uniform': {
        const scalar = this.graph.scalar(record.fill, record.type);
        if (x.shape.length === 0) return scalar;
        return this.graph.node('Expand', [scalar, this.graph.shapeConstant(x.shape)], x.shape);
      }
      case 'value': {
        const { value, broadcastTo } = record;
        if (!broadcastTo) return this.graph.reshape(value, x.shape);
        const full = this.graph.node(
          'Expand',
          [value, this.graph.shapeConstant(broadcastTo)],
          broadcastTo,
        );
        return this.graph.reshape(full, x.shape);
      }
      case 'blocked':
        return this.graph.reshape(fromBlocked(this.graph, record.value, record.map[3]), x.shape);
      case 'lanes':
        return this.graph.reshape(firstOfLanes(this.graph, record.value), x.shape);
      default:
        return record satisfies never;
    }
  }

  /** Creates a tensor of one value for each position, `[N, H, W, 1]`, which a block of channels repeats. */
  lanesInfo(value: OnnxValue): tf.TensorInfo {
    const [n, , h, w] = value.shape;
    return this.store({ kind: 'lanes', value }, [n, h, w, 1], value.type);
  }

  /** Lanes `[N, B, H, W]` of a tensor `[N, H, W, 1]`. */
  lanes(x: tf.TensorInfo): OnnxValue {
    const record = this.record(x);
    return record.kind === 'lanes'
      ? record.value
      : repeatedInLanes(this.graph, this.value(x), this.blockSize);
  }

  /** Creates a tensor for a feature map `[N, H, W, C]` in the blocked layout; `shape` may be another one of as many elements. */
  blockedInfo(value: OnnxValue, map: MapShape, shape: readonly number[] = map): tf.TensorInfo {
    return this.store({ kind: 'blocked', value, map }, shape, value.type);
  }

  /** Record of a tensor that is held in the blocked layout. */
  blocked(x: tf.TensorInfo): BlockedRecord | undefined {
    const record = this.record(x);
    return record.kind === 'blocked' ? record : undefined;
  }

  /**
   * Blocked form `[N, Cp, H, W]` of a tensor.
   *
   * @param map shape of the feature map, `[N, H, W, C]`, which the tensor may have in another form
   */
  blockedValue(x: tf.TensorInfo, map: readonly number[] = x.shape): OnnxValue {
    const record = this.blocked(x);
    if (record && sameShape(record.map, map)) return record.value;
    return toBlocked(this.graph, this.graph.reshape(this.value(x), map), this.blockSize);
  }

  /** Number of channels of a block. @throws ConfigError if the graph may not use the blocked layout */
  get blockSize(): number {
    const { lowering } = this.graph;
    if (lowering.kind === 'cpu') return lowering.blockSize;
    throw new ConfigError('capture: expected a graph for the CPU provider, got a portable one');
  }

  /** Value that broadcasts to the shape of the tensor and may be smaller; for elementwise operations. */
  operand(x: tf.TensorInfo): OnnxValue {
    const record = this.record(x);
    if (record.kind === 'uniform') return this.graph.scalar(record.fill, record.type);
    if (record.kind === 'value' && record.broadcastTo && sameShape(record.broadcastTo, x.shape))
      return record.value;
    return this.value(x);
  }

  /** Number that all elements equal, if known. */
  uniform(x: tf.TensorInfo): number | undefined {
    const record = this.record(x);
    return record.kind === 'uniform' ? record.fill : undefined;
  }

  private store(record: CaptureRecord, shape: readonly number[], type: OnnxType): tf.TensorInfo {
    const dataId = {};
    this.storage.set(dataId, record);
    return { dataId, shape: [...shape], dtype: type as tf.DataType };
  }

  private absorb(
    dataId: object,
    values: tf.BackendValues | null,
    shape: readonly number[],
    dtype: string,
  ): void {
    const type = onnxType(dtype);
    if (!type || !values)
      throw new ConfigError(`capture: expected float32, int32 or bool data, got ${dtype}`);
    const numbers = values as Float32Array | Int32Array | Uint8Array;
    const first = numbers.length > 0 ? numbers[0] : 0;
    const uniform = numElements(shape) > 0 && numbers.every((value) => Object.is(value, first));
    if (uniform) {
      this.storage.set(dataId, { kind: 'uniform', fill: first, type });
      return;
    }
    const copy = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[
      type as 'float32' | 'int32' | 'bool'
    ];
    this.storage.set(dataId, { kind: 'constant', data: copy.from(numbers), type });
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const dataId = {};
    this.absorb(dataId, values, shape, dtype);
    return dataId;
  }

  override move(
    dataId: object,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
  ): void {
    this.absorb(dataId, values, shape, dtype);
  }

  override readSync(_dataId: object): tf.BackendValues {
    const at = this.open?.scope();
    throw new ConfigError(
      `capture${at ? ` of ${at}` : ''}: expected no reading of values while a graph is captured, got dataSync(); ` +
        'what depends on values must be a graph input',
    );
  }

  override read(dataId: object): Promise<tf.BackendValues> {
    return Promise.reject(new Error(String(this.readSync(dataId))));
  }

  override incRef(dataId: object): void {
    this.references.set(dataId, this.refCount(dataId) + 1);
  }
  decRef(dataId: object): void {
    this.references.set(dataId, this.refCount(dataId) - 1);
  }
  override refCount(dataId: object): number {
    return this.references.get(dataId) ?? 1;
  }
  override disposeData(dataId: object, force = false): boolean {
    this.decRef(dataId);
    if (!force && this.refCount(dataId) > 0) return false;
    this.storage.delete(dataId);
    return true;
  }
  override numDataIds(): number {
    return this.storage.numDataIds();
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override timerAvailable(): boolean {
    return false;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override dispose(): void {}
}

/** Backend instance that a kernel was called with. */
export function captureBackend(backend: object): CaptureBackend {
  if (backend instanceof CaptureBackend) return backend;
  throw new ConfigError('capture kernel: expected the capture backend, got another one');
}
