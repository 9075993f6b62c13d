import { DataError, InputError } from '../core/errors.js';
import * as t from '../core/schema.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import type { NamedImage } from './messages.js';

const Base64Image = t.record({ data: t.TEXT, name: t.optional(t.TEXT) });

/** JSON body: images as base64, with or without the prefix of a data URL. */
export const JsonBody = t.record({
  image: t.optional(t.TEXT),
  images: t.optional(
    t.list({ anyOf: [t.TEXT, Base64Image] } as t.Schema<string | t.Infer<typeof Base64Image>>),
  ),
});

/**
 * Reads the images of a JSON body.
 *
 * @param maxImages largest number; more are refused before they are looked at
 * @throws InputError for another document or too many images; DataError for what is not base64
 */
export function imagesOfJson(bytes: Uint8Array, maxImages: number): NamedImage[] {
  const body = parse(bytes);
  const numListed = listedImages(body);
  if (numListed > maxImages)
    throw new InputError(`body: expected at most ${maxImages} images, got ${numListed}`);
  const problems = compileSchema(JsonBody)(body);
  if (problems.length > 0)
    throw new InputError(
      `body: expected {"image": base64} or {"images": [base64, …]}, got ${formatProblems(problems)}`,
    );
  const { image, images = [] } = body as t.Infer<typeof JsonBody>;
  const all = image === undefined ? images : [image, ...images];
  return all.map((each, i) => {
    const { data, name = all.length === 1 ? 'image' : `image ${i + 1}` } =
      typeof each === 'string' ? { data: each } : each;
    return { name, bytes: decodeBase64(data, name) };
  });
}

/** Number of entries of the list, whatever they are. */
function listedImages(body: unknown): number {
  const { images } = (body ?? {}) as { readonly images?: unknown };
  return Array.isArray(images) ? images.length : 0;
}

/** Decodes base64. Node skips other characters, which would hide a path or URL in its place. */
function decodeBase64(text: string, name: string): Uint8Array {
  const comma = /^data:[\w/+.-]*;base64,/.exec(text)?.[0].length ?? 0;
  let end = text.length;
  for (let padding = 0; padding < 2 && text[end - 1] === '='; padding++) end--;
  const bytes = Buffer.from(text.slice(comma, end), 'base64');
  if (bytes.length === 0 || bytes.length !== Math.floor(((end - comma) * 3) / 4))
    throw new DataError(
      `${name}: expected an image as base64, got ${JSON.stringify(text.slice(0, 40))}; paths and URLs are not opened`,
    );
  return bytes;
}

function parse(bytes: Uint8Array): unknown {
  const { buffer, byteOffset, byteLength } = bytes;
  try {
    return JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString());
  } catch (cause) {
    throw new InputError('body: expected JSON, got text that is none', { cause });
  }
}
