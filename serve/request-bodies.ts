import type { IncomingMessage } from 'node:http';
import { answerBrokenRequest } from './broken-request.js';

/** Time that a body has at least, and the rate in bytes per second below which it is slow in any case. */
const LEAST_MS = 1000;
const SLOW_BYTES_PER_S = 16 * 1024;

/** Limits of {@link RequestBodies}. */
export interface BodyLimits {
  /** Largest body, which is also counted for one of unknown length. */
  readonly maxBodyBytes: number;
  /** Time limit of a body. */
  readonly timeoutMs: number;
  /** Largest number of requests. */
  readonly maxRequests: number;
  /** Largest sum of their bodies in bytes; a single request is always let in. */
  readonly maxBytes: number;
}

/** A request whose body arrives or waits for its answer. */
interface Body {
  readonly startedMs: number;
  readonly bytesBefore: number;
  /** Announced size while it arrives, then that of what is kept until the answer is sent. */
  bytes: number;
  hasArrived: boolean;
}

/** Requests with a body, limited in number and memory. A few that send next to nothing must not keep all others out. */
export class RequestBodies {
  private readonly bodies = new Map<IncomingMessage, Body>();
  private numBytes = 0;

  constructor(private readonly limits: BodyLimits) {}

  /** Lets a request in. @returns false if there is no room, also not in place of slow ones */
  admit(request: IncomingMessage): boolean {
    const { maxBodyBytes, maxRequests, maxBytes } = this.limits;
    const announced = Number(request.headers['content-length'] ?? maxBodyBytes);
    const bytes = Math.min(announced, maxBodyBytes);
    const isFull = (): boolean =>
      this.bodies.size >= maxRequests || this.numBytes + bytes > maxBytes;
    while (this.bodies.size > 0 && isFull()) if (!this.giveUpSlowest()) return false;
    const { bytesRead: bytesBefore } = request.socket;
    const body = { startedMs: performance.now(), bytesBefore, bytes, hasArrived: false };
    this.bodies.set(request, body);
    this.numBytes += bytes;
    return true;
  }

  /** Notes that a body is complete, and how many bytes are kept instead: of images, then of the answer. */
  holds(request: IncomingMessage, bytes: number): void {
    const body = this.bodies.get(request);
    if (!body) return;
    this.numBytes += bytes - body.bytes;
    Object.assign(body, { bytes, hasArrived: true });
  }

  /** Forgets a request that is answered or gone. */
  delete(request: IncomingMessage): void {
    this.numBytes -= this.bodies.get(request)?.bytes ?? 0;
    this.bodies.delete(request);
  }

  /** Gives the slowest body up, with status 408. @returns false if none is slow */
  private giveUpSlowest(): boolean {
    const now = performance.now();
    let slowest: IncomingMessage | undefined;
    let least = 1;
    for (const [request, { startedMs, bytesBefore, bytes, hasArrived }] of this.bodies) {
      const elapsedMs = now - startedMs;
      if (hasArrived || elapsedMs < LEAST_MS) continue;
      const rate = (1000 * (request.socket.bytesRead - bytesBefore)) / elapsedMs;
      // One that would not be complete in time is slow, too.
      const needed = Math.max(SLOW_BYTES_PER_S, (1000 * bytes) / this.limits.timeoutMs);
      if (rate / needed < least) [slowest, least] = [request, rate / needed];
    }
    if (!slowest) return false;
    this.delete(slowest);
    const error = Object.assign(new Error('a body that comes too slowly'), {
      code: 'ERR_HTTP_REQUEST_TIMEOUT',
    });
    answerBrokenRequest(error, slowest.socket);
    return true;
  }
}
