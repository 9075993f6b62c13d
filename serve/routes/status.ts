import type { FastifyInstance } from 'fastify';
import { unavailable } from '../http-error.js';
import { METRICS_SCHEMA, MODELS_SCHEMA, STATUS_SCHEMA } from '../schemas.js';
import type { ServerState } from '../state.js';

/** Adds `/v1/models`, `/healthz`, `/readyz` and `/metrics`. */
export function registerStatus(app: FastifyInstance, state: ServerState): void {
  const { thread, metrics } = state;
  const config = { isOpen: true };
  app.get('/healthz', { config, schema: STATUS_SCHEMA('whether the process answers') }, () => ({
    status: 'ok',
  }));
  app.get('/readyz', { config, schema: STATUS_SCHEMA('whether predictions are answered') }, () => {
    if (state.isDraining)
      throw unavailable('ShuttingDown', 'serve: expected a running server, got one that ends');
    thread.assertOpen();
    return { status: 'ok' };
  });
  app.get('/v1/models', { schema: MODELS_SCHEMA }, () => ({ models: thread.assertOpen() }));
  app.get('/metrics', { schema: METRICS_SCHEMA }, async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}
