/**
 * Pixels that are decoded at a time by work on many images at once: eight photographs of usual size, but only one of the
 * largest that is read.
 */
const MAX_PIXELS = 2 ** 27;

let used = 0;
const waiting: { readonly pixels: number; readonly start: () => void }[] = [];

/** Starts what waits, in order, while there is room; the first of all always has it. */
function admit(): void {
  for (let next = waiting[0]; next && (used === 0 || used + next.pixels <= MAX_PIXELS);) {
    waiting.shift();
    used += next.pixels;
    next.start();
    next = waiting[0];
  }
}

/**
 * Runs `work`, which decodes an image of so many pixels and is done with them when it ends. Calls wait while others hold
 * too many, so that a folder of bombs takes no more memory than one of them.
 */
export async function withPixels<T>(pixels: number, work: () => Promise<T>): Promise<T> {
  await new Promise<void>((start) => {
    waiting.push({ pixels, start });
    admit();
  });
  try {
    return await work();
  } finally {
    used -= pixels;
    admit();
  }
}
