import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Version of onnxruntime-node that this package is built for. */
export const RUNTIME = 'onnxruntime-node@1.30.0';

/** A command and where to run it. */
export interface Fix {
  readonly command: readonly string[];
  readonly cwd: string;
}

const MODULES = `${sep}node_modules${sep}`;

/**
 * Command that installs the dependencies that are missing, without install scripts: onnxruntime-node has what a CPU needs in
 * its package, and its script only adds libraries for CUDA. Nothing is added to the package.json of the project.
 *
 * @param folder folder of this package
 * @param exists tells whether a file exists
 */
export function installMissing(folder: string, exists = existsSync): Fix {
  const at = folder.indexOf(MODULES);
  const cwd = at < 0 ? folder : folder.slice(0, at);
  if (!exists(join(cwd, 'package.json')))
    return { command: ['npm', 'install', '--global', '--ignore-scripts', RUNTIME], cwd };
  const has = (file: string): boolean => exists(join(cwd, file));
  if (has('pnpm-lock.yaml')) return { command: ['pnpm', 'install', '--ignore-scripts'], cwd };
  if (has('yarn.lock'))
    return { command: ['yarn', 'install', '--ignore-scripts', '--check-files'], cwd };
  return { command: ['npm', 'install', '--ignore-scripts'], cwd };
}

/** Files that a machine does not use, and their size. */
export interface Unused {
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** Name and type of what lies in a folder; none if there is no folder. */
const listed = (
  folder: string,
): readonly { readonly path: string; readonly isFolder: boolean }[] =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).map((entry) => ({
        path: join(folder, entry.name),
        isFolder: entry.isDirectory(),
      }))
    : [];

/**
 * Finds what a machine does not use: onnxruntime-node's libraries for other platforms, and maps of sources for debuggers.
 *
 * @param folders folders of packages
 */
export function findUnused(
  folders: readonly string[],
  { platform, arch } = process as { platform: string; arch: string },
): Unused {
  const paths = folders.flatMap((folder) => [
    ...listed(join(folder, 'bin'))
      .filter(({ isFolder }) => isFolder)
      .flatMap((napi) => listed(napi.path))
      .flatMap((system) =>
        system.path.endsWith(sep + platform)
          ? listed(system.path).filter(({ path }) => !path.endsWith(sep + arch))
          : [system],
      )
      .map(({ path }) => path),
    ...listed(join(folder, 'dist'))
      .filter(({ path }) => path.endsWith('.map'))
      .map(({ path }) => path),
  ]);
  return { paths, bytes: paths.reduce((sum, path) => sum + sizeOf(path), 0) };
}

/** Removes files that {@link findUnused} found; the next installation brings them back. */
export function removeUnused({ paths }: Unused): void {
  for (const path of paths) rmSync(path, { recursive: true, force: true });
}

function sizeOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return listed(path).reduce((sum, entry) => sum + sizeOf(entry.path), 0);
}
