import { readFile, rm, stat, writeFile } from 'node:fs/promises';

/** Which version of which file the bytes received so far belong to. */
export interface PartialState {
  readonly url: string;
  /** `null` if the server did not say. */
  readonly totalBytes: number | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** The beginning of a download on disk, and beside it what it is the beginning of. */
export class PartialFile {
  constructor(readonly path: string) {}

  private get statePath(): string {
    return `${this.path}.json`;
  }

  /** Bytes received so far; 0 if there are none. */
  async sizeBytes(): Promise<number> {
    try {
      return (await stat(this.path)).size;
    } catch {
      return 0;
    }
  }

  /** The state, if the bytes come from this URL and the server can tell whether the file is still the same. */
  async stateFor(url: string): Promise<PartialState | undefined> {
    try {
      const state = JSON.parse(await readFile(this.statePath, 'utf8')) as PartialState;
      const strong = typeof state.etag === 'string' && !state.etag.startsWith('W/');
      const checkable = strong || typeof state.lastModified === 'string';
      return state.url === url && checkable && Number.isSafeInteger(state.totalBytes)
        ? state
        : undefined;
    } catch {
      return undefined; // none, or torn: the download starts again
    }
  }

  /** Forgets older bytes and notes what the new ones will be. A torn note only means to start again. */
  async begin(state: PartialState): Promise<void> {
    await rm(this.path, { force: true });
    await writeFile(this.statePath, JSON.stringify(state));
  }

  /** Removes bytes and state. */
  async discard(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.statePath, { force: true });
  }

  /** Removes the state after the bytes moved to their place. */
  async finish(): Promise<void> {
    await rm(this.statePath, { force: true });
  }
}
