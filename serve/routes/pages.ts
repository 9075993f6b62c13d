import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { renderDocs } from '../docs-page.js';

/** Policy of the pages: only this server's own files, and the pictures that a person chose. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

let text: string | undefined;
const style = (): string =>
  (text ??= readFileSync(new URL('../page/style.css', import.meta.url), 'utf8'));

/** Adds the documents at `/docs` and the OpenAPI document. */
export function registerPages(app: FastifyInstance): void {
  const headers = {
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  };
  const route = { config: { isOpen: true }, schema: { hide: true } };
  app.get('/style.css', route, (_, reply) =>
    reply.headers(headers).type('text/css; charset=utf-8').send(style()),
  );
  app.get('/docs', route, (_, reply) =>
    reply.headers(headers).type('text/html; charset=utf-8').send(renderDocs(app.swagger())),
  );
  app.get('/openapi.json', route, () => app.swagger());
}
