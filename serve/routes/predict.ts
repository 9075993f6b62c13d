import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { nearestWord } from '../../core/nearest-word.js';
import { MEDIA_TYPES } from '../answer.js';
import { HttpError, unavailable } from '../http-error.js';
import { imagesOfRequest, JsonText } from '../images-of-request.js';
import type { ModelInfo } from '../messages.js';
import { JsonThread } from '../json-thread.js';
import { readQuery } from '../query.js';
import { RequestBodies } from '../request-bodies.js';
import { PREDICT_SCHEMA } from '../schemas.js';
import type { ServerState } from '../state.js';

/** Classes of a classifier that are answered unless the request says otherwise. */
const TOP = 5;
/** Memory for bodies, as a fraction of that of a queue of the largest ones. */
const QUEUED_FRACTION = 1 / 4;
/** Status that the metrics show for clients that left. */
const LEFT = 499;

type PredictRequest = FastifyRequest<{ Params: { readonly name?: string } }>;

/** Adds `POST /v1/predict` and `POST /v1/predict/NAME`. */
export function registerPredict(app: FastifyInstance, state: ServerState): void {
  const { thread, options, metrics } = state;
  const { queue, maxBodyBytes, timeoutMs, maxImages } = options;
  /** Requests that send their body, wait or run. */
  const bodies = new RequestBodies({
    maxBodyBytes,
    timeoutMs,
    maxRequests: 2 * queue + 1,
    maxBytes: Math.max(2, queue * QUEUED_FRACTION) * maxBodyBytes,
  });
  // Whatever the type says, the body is the image: its first bytes tell what it is.
  app.removeContentTypeParser(['text/plain', 'application/json']);
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) =>
    done(null, new JsonText(body as Buffer)),
  );
  const json = new JsonThread(maxImages);
  app.addHook('onClose', () => json.close());
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));

  /** Refuses what can be refused before the body is read. */
  const onRequest = async (request: PredictRequest, reply: FastifyReply): Promise<void> => {
    const startedMs = performance.now();
    const isIn = bodies.admit(request.raw);
    reply.raw.once('close', () => {
      bodies.delete(request.raw);
      const status = reply.raw.writableFinished ? reply.statusCode : LEFT;
      const { name = '' } = request.params;
      const model = thread.models?.some((each) => each.name === name) ? name : '';
      metrics.countRequest({ model, status }, (performance.now() - startedMs) / 1000);
    });
    readQuery(request.query);
    thread.assertRoom(1);
    if (!isIn)
      throw unavailable(
        'QueueFull',
        `serve: expected room for the body beside those of ${2 * queue} requests, got too many or too large ones`,
      );
    modelOf(thread.models ?? [], request.params.name);
  };

  const handler = async (request: PredictRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const query = readQuery(request.query);
    const { format = 'json', score, perClassNms, max, top = TOP } = query;
    const images = await imagesOfRequest(request, options, json);
    bodies.holds(
      request.raw,
      images.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
    if (format === 'png' && images.length > 1)
      throw new HttpError(
        400,
        'BadRequest',
        `format=png: expected one image, got ${images.length}; send them one by one`,
      );
    const { name: model } = modelOf(thread.models ?? [], request.params.name);
    const { signal, clear } = signalOf(reply, timeoutMs);
    try {
      const body = await thread.submit(
        { model, images, format, score, perClassNms, max, top },
        signal,
      );
      const { buffer, byteOffset, byteLength } = body;
      bodies.holds(request.raw, byteLength);
      return reply.type(MEDIA_TYPES[format]).send(Buffer.from(buffer, byteOffset, byteLength));
    } finally {
      clear();
    }
  };

  const route = { schema: PREDICT_SCHEMA, onRequest, handler };
  app.post('/v1/predict', route);
  app.post('/v1/predict/:name', route);
}

/** Finds the model of a request. @throws HttpError 400 if it must be named, 404 if there is none of that name */
function modelOf(models: readonly ModelInfo[], name: string | undefined): ModelInfo {
  const names = models.map((model) => model.name);
  if (name === undefined || name === '') {
    if (models.length <= 1) return models[0];
    throw new HttpError(
      400,
      'BadRequest',
      `/v1/predict: expected the name of a model, got none; one of ${names.map((each) => `/v1/predict/${each}`).join(', ')}`,
    );
  }
  const found = models.find((model) => model.name === name);
  if (found) return found;
  throw new HttpError(
    404,
    'NotFound',
    `/v1/predict/${name}: expected one of ${names.join(', ')}; did you mean ${nearestWord(name, names)}?`,
  );
}

/** Signal that aborts when the client leaves or the time is over. */
function signalOf(
  reply: FastifyReply,
  timeoutMs: number,
): { readonly signal: AbortSignal; readonly clear: () => void } {
  const abort = new AbortController();
  const leave = (): void => abort.abort(new HttpError(LEFT, 'BadRequest', 'the client left'));
  const timer = setTimeout(() => {
    const message = `serve: expected a result within ${timeoutMs / 1000} s, got none; try again`;
    abort.abort(unavailable('Timeout', message, timeoutMs / 1000));
  }, timeoutMs);
  reply.raw.once('close', leave);
  if (reply.raw.closed) leave();
  return {
    signal: abort.signal,
    clear: () => {
      clearTimeout(timer);
      reply.raw.off('close', leave);
    },
  };
}
