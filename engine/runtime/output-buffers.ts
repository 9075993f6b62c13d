import { numElements } from '../../core/shape.js';
import type { OnnxType, OnnxValue } from '../onnx/graph.js';
import type { HostTensor } from './program.js';

/**
 * Memory for the outputs of a program. Its sessions, one for each input shape, take turns with it: an output has as much as
 * it ever needed, and a smaller one gets the beginning of that.
 */
export class OutputBuffers {
  private readonly arrays = new Map<string, HostTensor['data']>();

  /** A tensor for the next run, which overwrites what the last one left there. */
  take({ name, shape, type }: OnnxValue): HostTensor {
    const size = numElements(shape);
    const key = `${type} ${name}`;
    let array = this.arrays.get(key);
    if (array === undefined || array.length < size) {
      array = allocate(type, size);
      this.arrays.set(key, array);
    }
    return { shape, data: array.subarray(0, size) };
  }

  /** Lets the memory go; tensors that were taken keep theirs. */
  clear(): void {
    this.arrays.clear();
  }
}

function allocate(type: OnnxType, size: number): HostTensor['data'] {
  if (type === 'float32') return new Float32Array(size);
  return type === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}
