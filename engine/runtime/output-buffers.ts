import { numElements } from '../../core/shape.js';
import type { OnnxType, OnnxValue } from '../onnx/graph.js';
import type { HostTensor } from './program.js';

/**
 * Memory for the outputs of a program, shared by its sessions (one per input shape). The buffer of an output is as large
 * as its largest size so far; smaller sizes use the beginning.
 */
export class OutputBuffers {
  private readonly arrays = new Map<string, HostTensor['data']>();

  /** Returns a tensor for the next run, which overwrites the last run's values. */
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

  /** Releases the memory; tensors in use keep theirs. */
  clear(): void {
    this.arrays.clear();
  }
}

function allocate(type: OnnxType, size: number): HostTensor['data'] {
  if (type === 'float32') return new Float32Array(size);
  return type === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}
