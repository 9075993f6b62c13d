import type { IncomingMessage } from 'node:http';
import { answerBrokenRequest } from './broken-request.js';

/** Time that a body has at least, and the rate in bytes per second below which it is slow. */
const LEAST_MS = 1000;
const SLOW_BYTES_PER_S = 16 * 1024;

/** Requests whose body arrives. A few that send nothing must not keep all others out. */
export class ArrivingBodies {
  private readonly requests = new Map<
    IncomingMessage,
    { readonly startedMs: number; readonly bytesBefore: number }
  >();

  add(request: IncomingMessage): void {
    const { bytesRead } = request.socket;
    this.requests.set(request, { startedMs: performance.now(), bytesBefore: bytesRead });
  }

  delete(request: IncomingMessage): void {
    this.requests.delete(request);
  }

  /** Gives the slowest body up, with status 408. @returns false if none is slow */
  giveUpSlowest(): boolean {
    const now = performance.now();
    let slowest: IncomingMessage | undefined;
    let least = SLOW_BYTES_PER_S;
    for (const [request, { startedMs, bytesBefore }] of this.requests) {
      const elapsedMs = now - startedMs;
      const rate = (1000 * (request.socket.bytesRead - bytesBefore)) / elapsedMs;
      if (elapsedMs >= LEAST_MS && rate < least) [slowest, least] = [request, rate];
    }
    if (!slowest) return false;
    this.requests.delete(slowest);
    const error = Object.assign(new Error('a body that comes too slowly'), {
      code: 'ERR_HTTP_REQUEST_TIMEOUT',
    });
    answerBrokenRequest(error, slowest.socket);
    return true;
  }
}
