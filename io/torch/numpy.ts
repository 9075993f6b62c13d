import { WeightsFileError } from '../../core/errors.js';
import { numElements } from '../../core/shape.js';
import { narrow } from './cursor.js';
import { tensorOfArray } from './array.js';
import {
  describe,
  isKind,
  opaque,
  type PickleArray,
  type PickleObject,
  type PickleValue,
} from './values.js';

/** NumPy scalars and arrays, which training scripts leave in checkpoints (`best_accuracy: np.float64`). */

/** Largest number of axes of NumPy. */
const MAX_RANK = 64;

const CODE = 'code';
const ORDER = 'byteorder';

const READERS: Readonly<Record<string, (view: DataView, little: boolean) => PickleValue>> = {
  f8: (view, little) => view.getFloat64(0, little),
  f4: (view, little) => view.getFloat32(0, little),
  i8: (view, little) => narrow(view.getBigInt64(0, little)),
  i4: (view, little) => view.getInt32(0, little),
  i2: (view, little) => view.getInt16(0, little),
  i1: (view) => view.getInt8(0),
  u8: (view, little) => narrow(view.getBigUint64(0, little)),
  u4: (view, little) => view.getUint32(0, little),
  u2: (view, little) => view.getUint16(0, little),
  u1: (view) => view.getUint8(0),
  b1: (view) => view.getUint8(0) !== 0,
};

/** `numpy.dtype('f8')` as data; types of text, dates and objects are opaque. */
export function numpyDtype(code: PickleValue | undefined): PickleValue {
  const [, order, name] =
    /^([<>=|]?)([fiub][1248]|b1)$/.exec(typeof code === 'string' ? code : '') ?? [];
  if (name === undefined) return opaque('numpy.dtype');
  const fields = new Map([
    [CODE, name],
    [ORDER, order === '>' ? '>' : '<'],
  ]);
  return { kind: 'object', className: 'numpy.dtype', fields };
}

/** `dtype.__setstate__((version, byteorder, …))`. */
export function setNumpyDtypeState(
  file: string,
  dtype: PickleObject,
  state: PickleValue,
): PickleObject {
  const order = isKind(state, 'tuple') ? state.items[1] : undefined;
  if (order !== '<' && order !== '>' && order !== '|' && order !== '=') {
    throw WeightsFileError.in(file, 'expected the byte order of a numpy dtype');
  }
  dtype.fields.set(ORDER, order === '>' ? '>' : '<');
  return dtype;
}

/**
 * `ndarray.__setstate__((version, shape, dtype, isFortran, data))`: bytes become a tensor, objects items. What is damaged or
 * of another kind stays empty, and is refused only where it is needed.
 */
export function setNumpyArrayState(array: PickleArray, state: PickleValue): PickleArray {
  const items = isKind(state, 'tuple') ? state.items.slice(-4) : [];
  const [shape, dtype, isFortran, data] = items;
  fillArray(array, { shape, dtype, isFortran: isFortran === true, data });
  return array;
}

/** `numpy.core.numeric._frombuffer(data, dtype, shape, order)`, as protocol 5 writes arrays. */
export function numpyFromBuffer(args: readonly PickleValue[]): PickleArray {
  const [data, dtype, shape, order] = args;
  const array: PickleArray = { kind: 'array' };
  fillArray(array, { shape, dtype, isFortran: order === 'F', data });
  return array;
}

/** Content of an array. */
interface ArrayState {
  readonly shape: PickleValue | undefined;
  readonly dtype: PickleValue | undefined;
  readonly isFortran: boolean;
  readonly data: PickleValue | undefined;
}

function fillArray(array: PickleArray, { shape, dtype, isFortran, data }: ArrayState): void {
  const isSize = (size: PickleValue): size is number =>
    typeof size === 'number' && Number.isSafeInteger(size) && size >= 0;
  if (!isKind(shape, 'tuple') || shape.items.length > MAX_RANK || !shape.items.every(isSize))
    return;
  const sizes = [...shape.items] as number[];
  if (isKind(data, 'list')) {
    array.content = { kind: 'list', items: data.items };
    array.isScalar = sizes.length === 0 && data.items.length === 1;
  } else if (isKind(dtype, 'object') && data instanceof Uint8Array) {
    const code = dtype.fields.get(CODE);
    const type = `${dtype.fields.get(ORDER) === '>' ? '>' : '<'}${String(code)}`;
    if (!Number.isSafeInteger(numElements(sizes))) return;
    array.content = tensorOfArray(type, sizes, isFortran, { key: '', bytes: data });
  } else {
    array.content = { kind: 'unreadable', type: `numpy array of ${describe(dtype)}`, shape: sizes };
  }
}

/** `numpy.core.multiarray.scalar(dtype, bytes)` as a number or boolean. */
export function numpyScalar(
  file: string,
  dtype: PickleValue | undefined,
  bytes: PickleValue | undefined,
): PickleValue {
  if (isKind(dtype, 'opaque')) return opaque('numpy.core.multiarray.scalar');
  const code = isKind(dtype, 'object') ? dtype.fields.get(CODE) : undefined;
  if (!isKind(dtype, 'object') || typeof code !== 'string' || !(bytes instanceof Uint8Array)) {
    throw WeightsFileError.in(file, 'expected dtype and bytes of a numpy scalar');
  }
  if (bytes.byteLength !== Number(code[1])) {
    throw WeightsFileError.in(file, `expected ${code[1]} bytes of a numpy ${code}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = dtype.fields.get(ORDER) === '<';
  if (!Object.hasOwn(READERS, code)) return opaque(`numpy.${code}`);
  return READERS[code](view, little);
}
