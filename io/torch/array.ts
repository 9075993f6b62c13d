import { BYTES_PER_ELEMENT, type DType } from '../tensor.js';
import { numElements } from '../../core/shape.js';
import type { PickleTensor, UnreadableTensor } from './values.js';

/** NumPy's types of elements that are read. */
const DTYPES: Readonly<Record<string, DType>> = {
  f8: 'F64',
  f4: 'F32',
  f2: 'F16',
  i8: 'I64',
  i4: 'I32',
  i2: 'I16',
  i1: 'I8',
  u1: 'U8',
  b1: 'BOOL',
};

/** Place of the values of an array. */
interface ArrayPlace {
  /** Key of a storage of the file. */
  readonly key: string;
  /** The bytes themselves, for arrays inside a pickle. */
  readonly bytes?: Uint8Array | undefined;
}

/**
 * Describes a NumPy array as a tensor; one of unreadable type if its elements are no real numbers.
 *
 * @param type as NumPy writes it: `<f4`
 */
export function tensorOfArray(
  type: string,
  shape: readonly number[],
  isFortran: boolean,
  place: ArrayPlace,
): PickleTensor | UnreadableTensor {
  const [, order, code] = /^([<>=|]?)(\w+)$/.exec(type) ?? [];
  const dtype = Object.hasOwn(DTYPES, code ?? '') ? DTYPES[code] : undefined;
  if (!dtype) return { kind: 'unreadable', type: `numpy ${type}`, shape };
  const axes = isFortran ? [...shape.keys()] : [...shape.keys()].reverse();
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (const axis of axes) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  const storage = {
    kind: 'storage' as const,
    ...place,
    dtype,
    elementBytes: BYTES_PER_ELEMENT[dtype],
    length: numElements(shape),
    start: 0,
    bigEndian: order === '>',
  };
  return { kind: 'tensor', storage, dtype, offset: 0, shape, strides };
}

/** Limit of the values of a table that is read as plain data. */
const MAX_TABLE_VALUES = 4096;

/** Rows of an array of two axes with a few whole numbers inside a pickle (the colors of classes); undefined for others. */
export function smallTable({
  storage: { bytes, bigEndian = false },
  dtype,
  offset,
  shape,
  strides,
}: PickleTensor): readonly (readonly number[])[] | undefined {
  const [rows, columns] = shape;
  const width = BYTES_PER_ELEMENT[dtype];
  const isWhole = /^[IU]\d+$/.test(dtype);
  if (shape.length !== 2 || !isWhole || numElements(shape) > MAX_TABLE_VALUES || !bytes)
    return undefined;
  if (bytes.byteLength < numElements(shape) * width) return undefined;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = (row: number, column: number): number => {
    const start = (offset + row * strides[0] + column * strides[1]) * width;
    if (dtype === 'I64') return Number(bigEndian ? view.readBigInt64BE(start) : view.readBigInt64LE(start)); // prettier-ignore
    if (width === 1) return dtype === 'U8' ? view.readUInt8(start) : view.readInt8(start);
    return bigEndian ? view.readIntBE(start, width) : view.readIntLE(start, width);
  };
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_v, column) => at(row, column)),
  );
}
