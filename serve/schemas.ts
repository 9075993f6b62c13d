import type { FastifySchema } from 'fastify';
import * as t from '../core/schema.js';
import type { PredictTask } from '../inference/model.js';
import { JsonBody } from './json-images.js';
import { PredictQuery } from './query.js';

/** Schemas of the OpenAPI document. */

const SIZE = { name: t.TEXT, width: t.whole(1), height: t.whole(1) };
const MASK = {
  ...t.record({ size: t.list(t.whole(1), 2), counts: t.TEXT }),
  description: "run lengths in COCO's compressed form; size is height, width",
};
const ERROR = {
  ...t.record({ error: t.record({ code: t.TEXT, message: t.TEXT }) }),
  description: 'what was expected, what was given, and the remedy',
};

const answerOf = (task: PredictTask, ofImage: object, scores = {}): object =>
  t.record({
    model: t.TEXT,
    task: { const: task },
    ...scores,
    predictions: t.listOf(t.record({ ...SIZE, ...ofImage })),
  });

const PREDICTIONS = {
  description: 'results, one per image, in the order of the images',
  anyOf: [
    answerOf('classify', {
      classes: t.listOf(
        t.record({ classIndex: t.whole(0), name: t.TEXT, probability: t.number() }),
      ),
    }),
    answerOf(
      'detect',
      {
        objects: t.listOf(
          t.record({
            classIndex: t.whole(0),
            categoryId: t.whole(0),
            name: t.TEXT,
            score: t.number(),
            box: { ...t.list(t.number()), minItems: 4, maxItems: 4 },
            mask: MASK,
          }),
        ),
      },
      {
        score: t.optional(t.number()),
        scores: t.optional(t.dictionary(t.number())),
        scoreFrom: t.optional(t.oneOf('option', 'validation', 'default')),
      },
    ),
    answerOf('segment', {
      classNames: t.listOf(t.TEXT),
      palette: t.optional(t.listOf(t.listOf(t.whole(0)))),
      segments: t.listOf(
        t.record({ classIndex: t.whole(0), name: t.TEXT, areaPx: t.whole(0), mask: MASK }),
      ),
    }),
  ],
};

const binary = { type: 'string', format: 'binary' };

/** Schema of the routes that predict. */
export const PREDICT_SCHEMA: FastifySchema = {
  summary: 'predicts images',
  description:
    'Takes an image as the body (JPEG, PNG, WebP, AVIF, TIFF, GIF, BMP), several as files of a form, or as base64 in JSON. Paths and URLs are never opened.',
  querystring: PredictQuery,
  body: {
    content: {
      'image/jpeg': { schema: binary },
      'image/png': { schema: binary },
      'application/octet-stream': { schema: binary },
      'multipart/form-data': {
        schema: { type: 'object', properties: { images: { type: 'array', items: binary } } },
      },
      'application/json': { schema: JsonBody },
    },
  },
  response: {
    200: {
      description: 'results; a COCO document with format=coco, a picture with format=png',
      content: {
        'application/json': { schema: PREDICTIONS },
        'image/png': { schema: binary },
      },
    },
    400: { ...ERROR, description: 'not an image, damaged, or an unknown option' },
    401: { ...ERROR, description: 'without the token of the server' },
    404: { ...ERROR, description: 'no model of that name' },
    405: { ...ERROR, description: 'not POST' },
    408: { ...ERROR, description: 'the body came too slowly' },
    413: { ...ERROR, description: 'too many bytes or pixels' },
    500: { ...ERROR, description: 'the model failed; see the server log' },
    503: { ...ERROR, description: 'the queue is full, or time is over; see Retry-After' },
  },
};

/** Schema of the list of models. */
export const MODELS_SCHEMA: FastifySchema = {
  summary: 'lists the models',
  response: {
    200: {
      ...t.record({
        models: t.listOf(
          t.record({
            name: t.TEXT,
            task: { enum: ['classify', 'detect', 'segment'] },
            classes: t.listOf(t.record({ id: t.whole(0), name: t.TEXT })),
            input: { type: 'object' },
            scores: t.optional({ type: 'object', additionalProperties: true }),
          }),
        ),
      }),
      description: 'models with their classes',
    },
  },
};

/** Schema of the metrics. */
export const METRICS_SCHEMA: FastifySchema = {
  summary: 'counts, queue, latencies and memory for Prometheus',
  response: { 200: { type: 'string', description: 'text format of Prometheus' } },
};

/** Schema of a route about the state of the server. */
export const STATUS_SCHEMA = (summary: string): FastifySchema => ({
  summary,
  response: {
    200: { ...t.record({ status: { const: 'ok' } }), description: 'yes' },
    503: { ...ERROR, description: 'not yet, or no more' },
  },
});
