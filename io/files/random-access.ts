import { open, type FileHandle } from 'node:fs/promises';
import { WeightsError } from '../../core/errors.js';

/** One `read` call of Node takes at most 2³¹ − 1 bytes. */
const MAX_READ_BYTES = 2 ** 30;

/**
 * A file that is read by ranges, so that a 3 GB checkpoint costs only the tensors asked for. Offsets
 * are exact up to 2⁵³.
 */
export class RandomAccessFile {
  private constructor(
    readonly path: string,
    readonly sizeBytes: number,
    private readonly handle: FileHandle,
  ) {}

  /** @throws WeightsError if there is no such file or it is a folder */
  static async open(path: string): Promise<RandomAccessFile> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw new WeightsError(`${path}: expected a readable weight file, got ${code}`, {
        cause,
        file: path,
      });
    }
    const stats = await handle.stat();
    if (!stats.isFile()) {
      await handle.close();
      throw new WeightsError(`${path}: expected a weight file, got something else`, { file: path });
    }
    return new RandomAccessFile(path, stats.size, handle);
  }

  /** The bytes `[offset, offset + length)` in a buffer of their own. @throws WeightsError if the file is shorter */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new WeightsError(
        `${this.path}: expected ${length} bytes at ${offset}, got a file of ${this.sizeBytes} (truncated or damaged)`,
        { file: this.path },
      );
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const wanted = Math.min(length - done, MAX_READ_BYTES);
      const { bytesRead } = await this.handle.read(bytes, done, wanted, offset + done);
      if (bytesRead === 0) {
        throw new WeightsError(`${this.path}: expected ${this.sizeBytes} bytes, got fewer`, {
          file: this.path,
        });
      }
      done += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
