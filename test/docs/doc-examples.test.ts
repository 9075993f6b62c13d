import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as api from '../../index.js';
import { train } from '../../train/train.js';
import { FIXTURES } from '../helpers/fixtures.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyCoco } from '../helpers/tiny-coco.js';

/** Code of the doc comments of the rooms, and of the pages, by where it is. */
function examples(): ReadonlyMap<string, string> {
  const rooms = ['core', 'io', 'datasets', 'evaluation', 'engine', 'backbone', 'models', 'weights'];
  const files = [...rooms, 'inference', 'report', 'train'].flatMap((room) =>
    readdirSync(room, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(room, name)),
  );
  const found = new Map<string, string>();
  for (const file of files)
    for (const [, code] of readFileSync(file, 'utf8').matchAll(
      /^ \* @example\n \* {3}```ts\n(.*?)^ \* {3}```$/gms,
    ))
      found.set(file, code.replaceAll(/^ \*(?: {3})?/gm, ''));
  for (const page of ['README.md', 'docs/errors.md'])
    for (const [, code] of readFileSync(page, 'utf8').matchAll(/^```ts\n(.*?)^```$/gms))
      found.set(page, code);
  return found;
}

const EXAMPLES = examples();
/** The names of the examples: data, a trained run, a photo, weights. */
let folder: string;
let printed: Record<string, { error?: string; lines: string[] }>;

/** Runs the examples in one process, in the folder, and writes what each prints. */
const RUNNER = `
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const all = {};
for (const [name, file] of JSON.parse(process.argv[2])) {
  const lines = [];
  console.log = (...parts) => lines.push(parts.map((p) => typeof p === 'string' ? p : JSON.stringify(p)).join(' '));
  try { await import(pathToFileURL(file).href); all[name] = { lines }; }
  catch (error) { all[name] = { error: String(error?.stack ?? error), lines }; }
}
writeFileSync('printed.json', JSON.stringify(all));
process.exit(0);
`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-examples-'));
  writeTinyCoco(join(folder, 'DATA'));
  const [small, at] = [join(FIXTURES, 'small'), (name: string) => join(folder, name)];
  copyFileSync(join(small, 'preprocess_q90_420.jpg'), at('photo.jpg'));
  copyFileSync(join(small, 'backbone_official.pth'), at('weights.pth'));
  const { recipe, settings } = SMALL_RECIPES.detect;
  const options = { data: at('DATA'), folder: at('RUN'), set: settings, report: false };
  await train(recipe, { ...options, steps: 1 });
  const built = new URL('../../dist/index.js', import.meta.url).href;
  const files = [...EXAMPLES].map(([name, code], i) => {
    const own = code.replaceAll("from 'convnextv2'", `from '${built}'`);
    const names = Object.keys(api).filter((n) => new RegExp(`\\b${n}\\b`).test(own));
    // Doc comments leave out the imports of this library.
    const head = own.includes('import ') ? '' : `import { ${names.join(', ')} } from '${built}';\n`;
    const file = at(`example-${i}.mjs`);
    writeFileSync(file, `import { writeFileSync } from 'node:fs';\n${head}${own}`);
    return [name, file];
  });
  mkdirSync(at('out'));
  writeFileSync(at('runner.mjs'), RUNNER);
  const { stderr } = spawnSync(process.execPath, ['runner.mjs', JSON.stringify(files)], {
    cwd: folder,
    encoding: 'utf8',
  });
  printed = JSON.parse(
    readFileSync(at('printed.json'), { encoding: 'utf8' }) || stderr,
  ) as typeof printed;
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the main functions have an example', () => {
  expect(EXAMPLES.size).toBeGreaterThanOrEqual(20);
});

test.each([...EXAMPLES.keys()])('%s runs, and prints what its comments say', (name) => {
  const { error, lines } = printed[name];
  expect(error).toBeUndefined();
  const code = EXAMPLES.get(name) ?? '';
  // A comment after a call that prints is its output, unless it is a sentence or a form ("…").
  const promised = [...code.matchAll(/^console\.log\(.*\); \/\/ ([^…]*)$/gm)]
    .map(([, text]) => text.trim())
    .filter((text) => /^(-?[\d.]+|true|false|\[.*\])( .*)?$/.test(text));
  const plain = (text: string): string => text.replaceAll(/\s+/g, '');
  for (const text of promised) expect(lines.map(plain)).toContain(plain(text));
});
