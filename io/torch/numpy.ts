import { WeightsError } from '../../core/errors.js';
import { narrow } from './cursor.js';
import { isKind, opaque, type PickleObject, type PickleValue } from './values.js';

/** NumPy scalars, which training scripts leave in checkpoints (`best_accuracy: np.float64`). */

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
    throw WeightsError.in(file, 'expected the byte order of a numpy dtype');
  }
  dtype.fields.set(ORDER, order === '>' ? '>' : '<');
  return dtype;
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
    throw WeightsError.in(file, 'expected dtype and bytes of a numpy scalar');
  }
  if (bytes.byteLength !== Number(code[1])) {
    throw WeightsError.in(file, `expected ${code[1]} bytes of a numpy ${code}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = dtype.fields.get(ORDER) === '<';
  if (!Object.hasOwn(READERS, code)) return opaque(`numpy.${code}`);
  return READERS[code](view, little);
}
