import type { DataError } from '../../core/errors.js';

/** Message of an error about a file without its path, which the issue carries. */
export function ownMessage({ message, file }: DataError): string {
  return file !== undefined && message.startsWith(`${file}: `)
    ? message.slice(file.length + 2)
    : message;
}
