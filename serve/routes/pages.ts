import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { moduleUrl } from '../../io/files/module-url.js';
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

/** Files of the page by path. */
const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['bundle.js', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
} as const;

/** Adds the page at `/`, the documents at `/docs` and the OpenAPI document. */
export function registerPages(app: FastifyInstance): void {
  const headers = {
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  };
  const route = { config: { isOpen: true }, schema: { hide: true } };
  for (const [path, [file, type]] of Object.entries(FILES)) {
    let text: string | undefined;
    app.get(path, route, (_, reply) => {
      text ??= readFileSync(moduleUrl(`../page/${file}`, import.meta.url), 'utf8');
      return reply.headers(headers).type(type).send(text);
    });
  }
  app.get('/docs', route, (_, reply) =>
    reply.headers(headers).type('text/html; charset=utf-8').send(renderDocs(app.swagger())),
  );
  app.get('/openapi.json', route, () => app.swagger());
}
