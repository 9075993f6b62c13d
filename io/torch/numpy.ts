import { WeightsError } from '../../core/errors.js';
import { narrow } from './cursor.js';
import { describe, isKind, type PickleObject, type PickleValue } from './values.js';

/** NumPy scalars, which training scripts leave in checkpoints (`best_accuracy: np.float64`). */

const CODE = 'code';
const ORDER = 'byteorder';

/** `numpy.dtype('f8')` as data. */
export function numpyDtype(file: string, code: PickleValue | undefined): PickleObject {
  const [, order, name] = /^([<>=|]?)([fiub][1248]|b1)$/.exec(String(code)) ?? [];
  if (name === undefined) {
    throw WeightsError.in(file, `expected a numeric numpy dtype, got ${describe(code)}`);
  }
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
  const code = isKind(dtype, 'object') ? dtype.fields.get(CODE) : undefined;
  if (!isKind(dtype, 'object') || typeof code !== 'string' || !(bytes instanceof Uint8Array)) {
    throw WeightsError.in(file, 'expected dtype and bytes of a numpy scalar');
  }
  if (bytes.byteLength !== Number(code[1])) {
    throw WeightsError.in(file, `expected ${code[1]} bytes of a numpy ${code}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = dtype.fields.get(ORDER) === '<';
  switch (code) {
    case 'f8':
      return view.getFloat64(0, little);
    case 'f4':
      return view.getFloat32(0, little);
    case 'i8':
      return narrow(view.getBigInt64(0, little));
    case 'i4':
      return view.getInt32(0, little);
    case 'i2':
      return view.getInt16(0, little);
    case 'i1':
      return view.getInt8(0);
    case 'u8':
      return narrow(view.getBigUint64(0, little));
    case 'u4':
      return view.getUint32(0, little);
    case 'u2':
      return view.getUint16(0, little);
    case 'u1':
      return view.getUint8(0);
    case 'b1':
      return view.getUint8(0) !== 0;
    default:
      throw WeightsError.in(file, `expected a numeric numpy scalar, got ${code}`);
  }
}
