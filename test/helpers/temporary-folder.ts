import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that lives as long as the test file, and a way to put files there. */
export function temporaryFolder(): {
  readonly folder: string;
  readonly path: (name: string) => string;
  readonly put: (name: string, data: Uint8Array | string) => Promise<string>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-weights-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const put = async (name: string, data: Uint8Array | string): Promise<string> => {
    await writeFile(path(name), data);
    return path(name);
  };
  return { folder, path, put };
}
