/**
 * Frees the memory of arrays immediately instead of at the next garbage collection; otherwise many large short-lived
 * arrays would accumulate and fragment the heap. Each array, and every other view of its buffer, is empty afterward.
 *
 * @see https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports (the steps of postMessage without a
 *   target)
 */
export function freeNow(arrays: readonly ArrayBufferView[]): void {
  closedPort ??= openAndClose();
  const buffers = new Set(arrays.map(({ buffer }) => buffer));
  closedPort.postMessage(null, [...buffers] as ArrayBuffer[]);
}

/** Transferring a buffer to a closed port detaches it and drops its content, because there is no receiver. */
let closedPort: MessagePort | undefined;

function openAndClose(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
