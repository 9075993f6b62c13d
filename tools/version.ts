import { existsSync, readFileSync } from 'node:fs';

/** Version of this package. */
export function packageVersion(): string {
  // Sources lie one folder below the package's file, what is built from them two.
  const [near, far] = ['../package.json', '../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const { version } = JSON.parse(readFileSync(existsSync(near) ? near : far, 'utf8')) as {
    readonly version: string;
  };
  return version;
}
