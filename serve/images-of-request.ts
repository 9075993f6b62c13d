import type { Multipart } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { DataError } from '../core/errors.js';
import { list, optional, record, TEXT, type Infer, type Schema } from '../core/schema.js';
import { imageHeader } from '../io/image/header.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import { HttpError } from './http-error.js';
import type { NamedImage } from './messages.js';

/** Limits of a request. */
export interface RequestLimits {
  /** Largest body in bytes. */
  readonly maxBodyBytes: number;
  /** Largest image in pixels. */
  readonly maxPixels: number;
  /** Largest number of images of a request. */
  readonly maxImages: number;
}

const Base64Image = record({ data: TEXT, name: optional(TEXT) });

/** JSON body: images as base64, with or without the prefix of a data URL. */
export const JsonBody = record({
  image: optional(TEXT),
  images: optional(
    list({ anyOf: [TEXT, Base64Image] } as Schema<string | Infer<typeof Base64Image>>),
  ),
});

/**
 * Reads the images of a request: the body itself, the files of a form, or base64 in JSON. Their headers are checked, so
 * that what is no image or too large never waits in the queue. Names and texts are never used as paths or URLs.
 *
 * @throws DataError for what is no image; HttpError 400 without images or with too many, 413 for too large ones
 */
export async function imagesOfRequest(
  request: FastifyRequest,
  limits: RequestLimits,
): Promise<readonly NamedImage[]> {
  const images = request.isMultipart()
    ? await filesOf(request, limits)
    : Buffer.isBuffer(request.body)
      ? [{ name: 'image', bytes: request.body }]
      : imagesOfJson(request.body);
  if (images.length === 0 || images[0].bytes.length === 0)
    throw badRequest('body: expected an image, got none');
  if (images.length > limits.maxImages)
    throw badRequest(`body: expected at most ${limits.maxImages} images, got ${images.length}`);
  for (const { name, bytes } of images) {
    const { width, height } = await imageHeader(bytes, name);
    if (width * height > limits.maxPixels)
      throw new HttpError(
        413,
        'ImageTooLarge',
        `${name}: expected at most ${limits.maxPixels} pixels, got ${width}x${height}`,
      );
  }
  return images;
}

const badRequest = (message: string): HttpError => new HttpError(400, 'BadRequest', message);

async function filesOf(request: FastifyRequest, limits: RequestLimits): Promise<NamedImage[]> {
  const images: NamedImage[] = [];
  let left = limits.maxBodyBytes;
  const parts: AsyncIterable<Multipart> = request.parts();
  for await (const part of parts) {
    if (part.type === 'field')
      throw badRequest(
        `body: expected files in the form, got the field ${JSON.stringify(part.fieldname)}; options are part of the URL`,
      );
    const bytes = await part.toBuffer();
    left -= bytes.length;
    if (left < 0)
      throw new HttpError(
        413,
        'BodyTooLarge',
        `body: expected at most ${limits.maxBodyBytes} bytes, got more`,
      );
    images.push({ name: part.filename || `image ${images.length + 1}`, bytes });
  }
  return images;
}

function imagesOfJson(body: unknown): NamedImage[] {
  const problems = compileSchema(JsonBody)(body);
  if (problems.length > 0)
    throw badRequest(
      `body: expected {"image": base64} or {"images": [base64, …]}, got ${formatProblems(problems)}`,
    );
  const { image, images = [] } = body as Infer<typeof JsonBody>;
  const all = image === undefined ? images : [image, ...images];
  return all.map((each, i) => {
    const { data, name = all.length === 1 ? 'image' : `image ${i + 1}` } =
      typeof each === 'string' ? { data: each } : each;
    return { name, bytes: decodeBase64(data, name) };
  });
}

/** Decodes base64. Node skips other characters, which would hide a path or URL in its place. */
function decodeBase64(text: string, name: string): Uint8Array {
  const comma = /^data:[\w/+.-]*;base64,/.exec(text)?.[0].length ?? 0;
  const digits = text.slice(comma).replace(/=+$/, '');
  const bytes = Buffer.from(digits, 'base64');
  if (bytes.length === 0 || bytes.length !== Math.floor((digits.length * 3) / 4))
    throw new DataError(
      `${name}: expected an image as base64, got ${JSON.stringify(text.slice(0, 40))}; paths and URLs are not opened`,
    );
  return bytes;
}
