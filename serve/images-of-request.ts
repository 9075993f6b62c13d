import type { Multipart } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { MAX_SIDE } from '../core/image.js';
import { imageHeader } from '../io/image/header.js';
import { HttpError } from './http-error.js';
import type { JsonThread } from './json-thread.js';
import type { NamedImage } from './messages.js';

/** A JSON body that is not parsed yet, because large ones are parsed in a thread. */
export class JsonText {
  constructor(readonly bytes: Buffer) {}
}

/** Limits of a request. */
export interface RequestLimits {
  /** Largest body in bytes. */
  readonly maxBodyBytes: number;
  /** Largest image in pixels. */
  readonly maxPixels: number;
  /** Largest number of images of a request. */
  readonly maxImages: number;
}

/**
 * Reads the images of a request: the body itself, the files of a form, or base64 in JSON. Their headers are checked, so
 * that what is no image or too large never waits in the queue. Names and texts are never used as paths or URLs.
 *
 * @throws DataError for what is no image; HttpError 400 without images or with too many, 413 for too large ones
 */
export async function imagesOfRequest(
  request: FastifyRequest,
  limits: RequestLimits,
  json: JsonThread,
): Promise<readonly NamedImage[]> {
  const images = request.isMultipart()
    ? await filesOf(request, limits)
    : Buffer.isBuffer(request.body)
      ? [{ name: 'image', bytes: request.body }]
      : request.body instanceof JsonText
        ? await json.parse(request.body.bytes)
        : [];
  if (images.length === 0 || images[0].bytes.length === 0)
    throw badRequest('body: expected an image, got none');
  if (images.length > limits.maxImages)
    throw badRequest(`body: expected at most ${limits.maxImages} images, got ${images.length}`);
  const measured: NamedImage[] = [];
  for (const { name, bytes } of images) {
    const { width, height } = await imageHeader(bytes, name);
    measured.push({ name, bytes, pixels: width * height });
    const limit =
      width * height > limits.maxPixels
        ? `${limits.maxPixels} pixels`
        : Math.max(width, height) > MAX_SIDE && `${MAX_SIDE} pixels in a row or column`;
    if (limit !== false)
      throw new HttpError(
        413,
        'ImageTooLarge',
        `${name}: expected at most ${limit}, got ${width}x${height}`,
      );
  }
  return measured;
}

const badRequest = (message: string): HttpError => new HttpError(400, 'BadRequest', message);

async function filesOf(request: FastifyRequest, limits: RequestLimits): Promise<NamedImage[]> {
  try {
    return await readForm(request, limits);
  } catch (error) {
    const { code, message, statusCode } = error as Error & { code?: string; statusCode?: number };
    if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT')
      throw badRequest(`body: expected at most ${limits.maxImages} images, got more`);
    if (error instanceof HttpError || statusCode !== undefined) throw error;
    // The parser's own errors: no boundary, an end within a part, damaged headers.
    throw badRequest(`body: expected a complete form, got: ${message}`);
  }
}

async function readForm(request: FastifyRequest, limits: RequestLimits): Promise<NamedImage[]> {
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
