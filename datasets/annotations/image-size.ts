import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { Size } from '../../core/boxes.js';
import { inspectImage } from '../inspect-image.js';
import { errorAsValue } from '../problems.js';

/** Reads the size of an image from its header; an error is returned, not thrown. */
export async function imageSizeOf(folder: string, fileName: string): Promise<Size | DataError> {
  const facts = await errorAsValue(inspectImage(join(folder, fileName), { decode: false }));
  return facts instanceof DataError ? facts : { width: facts.width, height: facts.height };
}
