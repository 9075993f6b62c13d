/**
 * Frees the memory of arrays at once, instead of when the garbage collector comes by: many short-lived large ones would
 * otherwise pile up and leave holes between what stays. Each array is empty afterward, and so are all others on its buffer.
 *
 * @see https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports (the steps of postMessage without a target)
 */
export function freeNow(arrays: readonly ArrayBufferView[]): void {
  closedPort ??= openAndClose();
  const buffers = new Set(arrays.map(({ buffer }) => buffer));
  closedPort.postMessage(null, [...buffers] as ArrayBuffer[]);
}

/** Transferring to a closed port detaches a buffer and drops what it held: there is nobody to receive it. */
let closedPort: MessagePort | undefined;

function openAndClose(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
