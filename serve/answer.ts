import { WorkError } from '../core/errors.js';
import type { RgbImage } from '../core/image.js';
import { toJson, type ImageResult } from '../core/results.js';
import { encodePng } from '../io/image/encode.js';
import { scoreFields } from '../inference/detect/shown-scores.js';
import { draw } from '../report/draw.js';
import { cocoDocument } from './coco-document.js';
import type { AnswerFormat, ModelInfo } from './messages.js';

/** A predicted image of a request. */
export interface PredictedImage {
  readonly name: string;
  readonly result: ImageResult;
  /** Needed for pictures only. */
  readonly pixels?: RgbImage | undefined;
}

/** Options of {@link encodeAnswer}. */
export interface AnswerOptions {
  readonly format: AnswerFormat;
  /** Whether the request says the smallest score; else the answer does. */
  readonly isChosen?: boolean | undefined;
}

/** Media types of the answers. */
export const MEDIA_TYPES: Readonly<Record<AnswerFormat, string>> = {
  json: 'application/json; charset=utf-8',
  coco: 'application/json; charset=utf-8',
  png: 'image/png',
};

/**
 * Encodes the body of an answer: `{model, task, predictions: [{name, width, height, …}]}` (with a detector's smallest
 * scores if the request does not say them), a COCO document, or for one
 * image the picture with its results.
 */
export async function encodeAnswer(
  { name: model, task, classes, scores }: ModelInfo,
  images: readonly PredictedImage[],
  { format, isChosen = false }: AnswerOptions,
): Promise<Uint8Array> {
  switch (format) {
    case 'json': {
      const predictions = images.map(({ name, result }) => {
        const { task: _, ...fields } = toJson(result);
        return { name, ...fields };
      });
      const names = classes.map((each) => each.name);
      const fields = scores && !isChosen ? scoreFields(scores, names) : undefined;
      return encodeJson({ model, task, ...fields, predictions });
    }
    case 'coco':
      return encodeJson(
        cocoDocument(
          images.map(({ name, result }) => ({ name, result: toJson(result) })),
          classes,
        ),
      );
    case 'png':
      return encodePicture(images[0]);
    default:
      return format satisfies never;
  }
}

async function encodePicture({ name, result, pixels }: PredictedImage): Promise<Uint8Array> {
  if (!pixels) throw new WorkError(`${name}: expected pixels to draw on, got none`);
  return encodePng(await draw(result, pixels));
}

const encodeJson = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
