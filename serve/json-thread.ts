import { Worker } from 'node:worker_threads';
import { InputError, WorkError } from '../core/errors.js';
import { reviveFailure, type Failure } from '../core/failure.js';
import { moduleUrl } from '../io/files/module-url.js';
import { imagesOfJson } from './json-images.js';
import type { NamedImage } from './messages.js';

/** A body to parse. */
export interface ToJsonThread {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly maxImages: number;
}

/** The images of a body, or what is wrong with it. */
export interface FromJsonThread {
  readonly id: number;
  readonly images?: readonly NamedImage[];
  readonly failure?: Failure;
}

/** Larger bodies are parsed in the thread; smaller ones take less than a millisecond. */
const SMALL_BYTES = 2 ** 18;

interface Pending {
  resolve(images: readonly NamedImage[]): void;
  reject(error: Error): void;
}

/** Parses JSON bodies without blocking; its thread starts with the first large one. */
export class JsonThread {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;

  /** @param maxImages largest number of images of a body */
  constructor(private readonly maxImages: number) {}

  /** Reads the images of a body. @throws as {@link imagesOfJson} */
  async parse(bytes: Buffer): Promise<readonly NamedImage[]> {
    const { maxImages } = this;
    if (bytes.length <= SMALL_BYTES) return imagesOfJson(bytes, maxImages);
    const worker = (this.worker ??= this.start());
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      const isWhole = bytes.byteLength === bytes.buffer.byteLength;
      worker.postMessage(
        { id, bytes, maxImages } satisfies ToJsonThread,
        isWhole ? [bytes.buffer as ArrayBuffer] : [],
      );
    });
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(moduleUrl('./json-worker.js', import.meta.url), { execArgv: [] });
    worker.on('message', ({ id, images, failure }: FromJsonThread) => {
      const pending = this.pending.get(id);
      this.pending.delete(id);
      if (failure) pending?.reject(revived(failure));
      else pending?.resolve(images ?? []);
    });
    worker.on('error', () => undefined); // the exit follows
    worker.on('exit', () => {
      this.worker = undefined;
      for (const { reject } of this.pending.values())
        reject(new WorkError('serve: expected the images of a JSON body, got a thread that ended'));
      this.pending.clear();
    });
    worker.unref();
    return worker;
  }
}

const revived = (failure: Failure): Error =>
  failure.name === 'InputError' ? new InputError(failure.message) : reviveFailure(failure, 'serve');
