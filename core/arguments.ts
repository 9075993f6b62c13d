import { InputError, quote } from './errors.js';

/**
 * Checks of what public functions are called with, for callers whose types are not checked. Objects are checked as far as
 * tells a wrong value from a right one.
 */

/** @throws InputError unless a value is a text that is not empty */
export function assertText(where: string, expected: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw refused(where, expected, value);
}

/**
 * Checks that a value is an object with some fields.
 *
 * @param fields may not be null or undefined
 * @throws InputError
 */
export function assertObject(
  where: string,
  expected: string,
  value: unknown,
  ...fields: readonly string[]
): void {
  if (typeof value !== 'object' || value === null) throw refused(where, expected, value);
  for (const field of fields)
    if (((value as Record<string, unknown>)[field] ?? undefined) === undefined)
      throw refused(where, expected, value, ` without ${field}`);
}

/** @throws InputError unless a value is a number */
export function assertNumber(where: string, expected: string, value: unknown): void {
  if (typeof value !== 'number') throw refused(where, expected, value);
}

/** @throws InputError unless a value is a list or a typed array */
export function assertList(where: string, expected: string, value: unknown): void {
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && 'length' in value))
    throw refused(where, expected, value);
}

/** @throws InputError unless a value is a `Uint8Array`, such as a `Buffer` */
export function assertBytes(where: string, expected: string, value: unknown): void {
  if (!isUint8Array(value)) throw refused(where, expected, value);
}

function refused(where: string, expected: string, value: unknown, lack = ''): InputError {
  return new InputError(`${where}: expected ${expected}, got ${describedValue(value)}${lack}`);
}

/** Short description of any value. */
export function describedValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const name = kindOf(value);
  if (name !== 'Object') return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
  const keys = Object.keys(value).slice(0, 5);
  return keys.length === 0 ? '{}' : `{ ${keys.join(', ')} }`;
}

/** Whether a value is a `Uint8Array`, also of another realm. */
export const isUint8Array = (value: unknown): value is Uint8Array =>
  ArrayBuffer.isView(value) && kindOf(value) === 'Uint8Array';

/** Name of a built-in kind of objects: `Object`, `Array`, `Uint8Array`. */
export const kindOf = (value: unknown): string =>
  Object.prototype.toString.call(value).slice(8, -1);
