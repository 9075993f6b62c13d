import { WeightsFileError } from '../../core/errors.js';

/** Header of a `.npy` file. */
export interface NpyHeader {
  /** Type as NumPy writes it, e.g. `<f4`; `|O` for objects. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Whether the first axis varies fastest. */
  readonly isFortran: boolean;
  /** Offset of the values in bytes. */
  readonly dataStart: number;
}

/** Longest header that is read; NumPy's own limit is 10,000 characters. */
export const MAX_HEADER_BYTES = 2 ** 16;

/** First bytes of a `.npy` file. */
export const NPY_MAGIC = '\x93NUMPY';

/**
 * Reads the header of a `.npy` file.
 *
 * @param name of the file or of the record, for messages
 * @param head its first bytes, up to {@link MAX_HEADER_BYTES}
 * @throws WeightsError if it is not one, or has fields
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function readNpyHeader(file: string, name: string, head: Uint8Array): NpyHeader {
  const fail = (got: string): never => {
    throw WeightsFileError.in(file, `${name}: expected a NumPy array, got ${got}`);
  };
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  if (!text.startsWith(NPY_MAGIC) || text.length < 12) return fail('other bytes');
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const isLong = head[6] > 1;
  const start = isLong ? 12 : 10;
  const length = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  if (start + length > head.byteLength) return fail(`a header of ${length} bytes`);
  const header = text.slice(start, start + length);
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (type === undefined || order === undefined || sizes === undefined)
    return fail('one with fields, or a damaged header');
  const shape = sizes
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  return { type, shape, isFortran: order === 'True', dataStart: start + length };
}
