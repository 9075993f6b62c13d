import type { Socket } from 'node:net';

/** Status by Node's code of a request that is no HTTP, too long or too slow. */
const ANSWERS: Readonly<Record<string, readonly [status: string, code: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'Timeout'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'BadRequest'],
};

/** Answers a request that Node cannot read, in the form of the other errors, and closes its connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code] = ANSWERS[error.code ?? ''] ?? ['400 Bad Request', 'BadRequest'];
  const message = `request: expected a complete HTTP request, got ${error.code ?? error.message}`;
  const body = JSON.stringify({ error: { code, message } });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
