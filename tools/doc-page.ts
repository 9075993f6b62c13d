import { join, relative } from 'node:path';
import { packageRoot } from '../io/files/module-url.js';

/**
 * Path of a page of the documentation as one can open it from the current folder: `docs/errors.md` in a checkout,
 * `node_modules/convnextv2/docs/errors.md` in a project, the full path elsewhere.
 *
 * @param page file below `docs/`, perhaps with a section: `errors.md#image`
 */
export function docPage(page: string): string {
  const file = join(packageRoot(), 'docs', page);
  const near = relative('.', file);
  return near.startsWith('..') ? file : near;
}
