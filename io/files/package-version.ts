import { existsSync, readFileSync } from 'node:fs';

/** Version of this package. */
export function packageVersion(): string {
  // Sources are two folders below package.json, built files three.
  const [near, far] = ['../../package.json', '../../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const { version } = JSON.parse(readFileSync(existsSync(near) ? near : far, 'utf8')) as {
    readonly version: string;
  };
  return version;
}
