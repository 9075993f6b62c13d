import { fill, openFile } from './read.js';

const PART_BYTES = 2 ** 20;

/** Calls `use` with each part of a file's content, in constant memory: a part is used while the next one is read. */
export async function forParts(file: string, use: (part: Uint8Array) => void): Promise<void> {
  const handle = await openFile(file);
  try {
    const parts = [new Uint8Array(PART_BYTES), new Uint8Array(PART_BYTES)];
    let length = await fill(handle, parts[0], null);
    for (let i = 0; length > 0; i = 1 - i) {
      const next = fill(handle, parts[1 - i], null);
      use(parts[i].subarray(0, length));
      length = await next;
    }
  } finally {
    await handle.close();
  }
}
