import { readFile, rm, stat, writeFile } from 'node:fs/promises';

/** Identity of the file that the received bytes belong to. */
export interface PartialState {
  readonly url: string;
  /** `null` if the server did not send it. */
  readonly totalBytes: number | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** The beginning of a download on disk, with a file that identifies it. */
export class PartialFile {
  constructor(readonly path: string) {}

  private get statePath(): string {
    return `${this.path}.json`;
  }

  /** Number of bytes received so far. */
  async sizeBytes(): Promise<number> {
    try {
      return (await stat(this.path)).size;
    } catch {
      return 0;
    }
  }

  /** Returns the state if the bytes are from this URL and the server can verify that the file is unchanged. */
  async stateFor(url: string): Promise<PartialState | undefined> {
    try {
      const state = JSON.parse(await readFile(this.statePath, 'utf8')) as PartialState;
      const strong = typeof state.etag === 'string' && !state.etag.startsWith('W/');
      const checkable = strong || typeof state.lastModified === 'string';
      return state.url === url && checkable && Number.isSafeInteger(state.totalBytes)
        ? state
        : undefined;
    } catch {
      return undefined; // missing or incomplete: the download starts again
    }
  }

  /** Deletes older bytes and writes the state of the new ones. If that file is incomplete, the download starts again. */
  async begin(state: PartialState): Promise<void> {
    await rm(this.path, { force: true });
    await writeFile(this.statePath, JSON.stringify(state));
  }

  /** Removes bytes and state. */
  async discard(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.statePath, { force: true });
  }

  /** Removes the state after the file is in place. */
  async finish(): Promise<void> {
    await rm(this.statePath, { force: true });
  }
}
