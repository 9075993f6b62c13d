import multipart from '@fastify/multipart';
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { ConfigError } from '../core/errors.js';
import { packageVersion } from '../io/files/package-version.js';
import { requireToken } from './access.js';
import { answerBrokenRequest } from './broken-request.js';
import { errorAnswer, HttpError, unavailable } from './http-error.js';
import type { ModelInfo } from './messages.js';
import { createMetrics } from './metrics.js';
import { ModelThread } from './model-thread.js';
import { assertServeOptions, nameModels, type ServeOptions } from './options.js';
import { registerPages } from './routes/pages.js';
import { registerPredict } from './routes/predict.js';
import { registerStatus } from './routes/status.js';
import type { ServerState } from './state.js';

/** Interval at which Node looks for requests that take too long. */
const CHECK_MS = 1000;
/** Time limit of the headers of a request. */
const HEADERS_MS = 10_000;
/** Quiet time after which a connection is closed, in time limits of a request: a client may not read its answer. */
const QUIET_LIMITS = 2;
/** Largest number of open connections; the queue limits those that hold a body. */
const MAX_CONNECTIONS = 4096;
/**
 * Requests of a connection, which is then closed: thousands that are sent ahead would all be handled before other
 * connections have a turn.
 */
const MAX_REQUESTS = 256;

/** A running server. */
export interface RunningServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** The models, once they are open. @throws WeightsError, ConfigError as `open` */
  readonly ready: Promise<readonly ModelInfo[]>;
  /** Settles when the server has ended; rejects if its models could not be opened again. */
  readonly ended: Promise<void>;
  /** Accepts no more requests, answers those that it has, and frees the models. */
  close(): Promise<void>;
}

/**
 * Starts a server for models: it listens at once and predicts as soon as the models are open.
 *
 * @throws ConfigError for options out of range, models of one name, or an address that is in use
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  assertServeOptions(options);
  const models = nameModels(options.models);
  const { maxPixels, queue, score, batchMs, onNotice } = options;
  let end!: (error?: Error) => void;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  ended.catch(() => undefined); // who waits sees it
  const thread = new ModelThread({
    setup: { models, options: options.model, maxPixels, score, batchMs },
    capacity: queue,
    onNotice,
    onJob: (job, seconds) => metrics.countJob(job.model, job.images.length, seconds),
    onFatal: (error) => void close().then(() => end(error)),
  });
  const metrics = createMetrics(() => ({ waiting: thread.numWaiting, running: thread.numRunning }));
  const state: ServerState = { options, thread, metrics, isDraining: false };
  const app = await createApp(state);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= drain(app, state).then(() => end()));
  thread.ready.catch(() => undefined); // who waits for `ready` sees it
  try {
    const url = await app.listen({ host: options.host, port: options.port });
    return { url, ready: thread.ready, ended, close };
  } catch (cause) {
    await close();
    throw new ConfigError(
      `serve: expected to listen on ${options.host} port ${options.port}, got ${(cause as Error).message}; choose another --port or --host`,
      { cause },
    );
  }
}

async function createApp(state: ServerState): Promise<FastifyInstance> {
  const { maxBodyBytes, maxImages, timeoutMs, token, onNotice } = state.options;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: timeoutMs,
    maxRequestsPerSocket: MAX_REQUESTS,
    connectionTimeout: QUIET_LIMITS * timeoutMs,
    return503OnClosing: false, // ours is below
    routerOptions: { ignoreTrailingSlash: true },
    http: {
      connectionsCheckingInterval: Math.min(CHECK_MS, timeoutMs),
      // The larger of the two is the limit of a whole request.
      requestTimeout: timeoutMs,
      headersTimeout: Math.min(HEADERS_MS, timeoutMs),
    },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, _, reply) => void sendError(error, reply),
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  // The last answer announces the end; who sent more before it was read is cut off, because Node would answer each.
  app.server.on('dropRequest', (_, socket) => socket.destroy());
  // Requests are checked by the routes, whose messages name the remedy; schemas are for the documents.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error: Error, _, reply) => {
    const status = sendError(error, reply);
    if (status === 500) onNotice?.(`error: ${error.message}`);
  });
  app.setNotFoundHandler((request) => {
    if (/^\/v1\/predict([/?]|$)/.test(request.url))
      throw new HttpError(
        405,
        'MethodNotAllowed',
        `/v1/predict: expected POST with an image as its body, got ${request.method}; e.g. curl --data-binary @photo.jpg URL`,
        { allow: 'POST' },
      );
    throw new HttpError(
      404,
      'NotFound',
      `serve: expected a route that /docs lists, got ${request.method} ${request.url.slice(0, 200)}`,
    );
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff');
    if (token !== undefined) requireToken(request, reply, token);
    if (state.isDraining && request.method === 'POST')
      throw unavailable('ShuttingDown', 'serve: expected a running server, got one that ends');
  });
  app.addHook('onSend', async (_, reply) => {
    if (state.isDraining) void reply.header('connection', 'close');
  });
  await app.register(multipart, {
    limits: { fileSize: maxBodyBytes, files: maxImages + 1, fields: 1, parts: maxImages + 2 },
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'convnextv2', version: packageVersion() },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      ...(token !== undefined && { security: [{ token: [] }] }),
    },
  });
  registerPredict(app, state);
  registerStatus(app, state);
  registerPages(app);
  return app;
}

function sendError(error: Error, reply: FastifyReply): number {
  const { status, headers, body } = errorAnswer(error);
  void reply.code(status).headers(headers).send(body);
  return status;
}

/** Ends the server after its requests, or at the time limit of a request. */
async function drain(app: FastifyInstance, state: ServerState): Promise<void> {
  state.isDraining = true;
  const force = setTimeout(() => app.server.closeAllConnections(), state.options.timeoutMs);
  try {
    await app.close();
  } finally {
    clearTimeout(force);
    await state.thread.close();
  }
}
