import { existsSync, readFileSync } from 'node:fs';

/** Version of this package. */
export function packageVersion(): string {
  // Sources lie two folders below the package's file, the build three.
  const [near, far] = ['../../package.json', '../../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const { version } = JSON.parse(readFileSync(existsSync(near) ? near : far, 'utf8')) as {
    readonly version: string;
  };
  return version;
}
