import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from './http-error.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route is open to requests without the token. */
    readonly isOpen?: boolean;
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Checks that a request bears the token, in constant time; the page and health are open.
 *
 * @throws HttpError 401
 */
export function requireToken(request: FastifyRequest, reply: FastifyReply, token: string): void {
  if (request.routeOptions.config.isOpen === true) return;
  const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given !== undefined && timingSafeEqual(digest(given), digest(token))) return;
  void reply.header('www-authenticate', 'Bearer');
  throw new HttpError(
    401,
    'Unauthorized',
    `authorization: expected the server's token as Bearer, got ${given === undefined ? 'none' : 'another'}`,
  );
}
