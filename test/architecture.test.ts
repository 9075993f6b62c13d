import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Folder → folders it may import (itself always allowed). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  io: ['core'],
  datasets: ['core', 'io'],
  evaluation: ['core'],
  engine: ['core', 'io'],
  backbone: ['engine', 'core'],
  heads: ['engine', 'core'],
  models: ['engine', 'backbone', 'heads', 'core'],
  weights: ['core', 'io', 'backbone', 'heads'],
  inference: ['models', 'weights', 'engine', 'backbone', 'heads', 'datasets', 'core', 'io'],
  report: ['core', 'io', 'evaluation'],
  serve: ['inference', 'report', 'io', 'core'],
  train: [
    'core',
    'io',
    'engine',
    'backbone',
    'heads',
    'weights',
    'datasets',
    'evaluation',
    'models',
    'inference',
    'report',
  ],
  tools: [
    'core',
    'io',
    'engine',
    'backbone',
    'heads',
    'weights',
    'datasets',
    'evaluation',
    'models',
    'inference',
    'report',
    'train',
    'serve',
  ],
  bench: [
    'core',
    'io',
    'engine',
    'backbone',
    'heads',
    'weights',
    'datasets',
    'evaluation',
    'models',
    'inference',
    'report',
    'train',
    'serve',
    'tools',
  ],
};

const TOOLS = /^\.\/(tools|serve|bench)\//;

/** Folders that also run in a browser: they reach nothing of Node. */
const BROWSER = [
  ...['core', 'evaluation', 'datasets/transforms', 'backbone', 'heads', 'models'],
  ...['io/bmp', 'io/image-header', 'io/protobuf', 'io/yolo'],
  ...['engine/ops', 'engine/capture', 'engine/onnx', 'engine/optimizer', 'engine/parameters'],
  ...['inference/tiles', 'inference/web', 'serve/page', 'weights/schemes'],
];
/** The one file that a bundle for browsers replaces, and the one beside the browser's files that writes for them. */
const NOT_BUNDLED = ['engine/tfjs.ts', 'inference/web/write.ts'];
const PACKAGES_OF_NODE = /^(node:|(sharp|yauzl|koffi|onnxruntime-node)$)/;
/** Folders that know no tensors library. */
const NO_TENSORS = ['core', 'io', 'datasets', 'evaluation', 'weights', 'report'];
const PACKAGES_OF_THE_ENGINE = /^(@tensorflow\/|onnxruntime-)/;

interface Import {
  readonly file: string;
  readonly to: string;
  readonly runtime: boolean;
}

function sources(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(join(ROOT, path)).isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?from\s+)?'([^']+)'/gm,
  )) {
    found.push({ file, to: match[2], runtime: !match[1] });
  }
  for (const match of text.matchAll(/(typeof\s+)?\bimport\(\s*'([^']+)'\s*\)/g)) {
    found.push({ file, to: match[2], runtime: !match[1] });
  }
  return found;
}

const files = [...Object.keys(MAY_IMPORT).flatMap(sources), 'index.ts'];
const imports = files.flatMap(importsOf);
/** Modules that run unbuilt. */
const modules = ['examples', 'scripts'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => `${folder}/${name}`),
);
const target = ({ file, to }: Import): string | undefined =>
  to.startsWith('.') ? normalize(join(dirname(file), to)).replace(/\.js$/, '.ts') : undefined;
const inside = (file: string, folders: readonly string[]): boolean =>
  folders.some((f) => file.startsWith(`${f}/`));

test('every folder imports only what the table allows', () => {
  const wrong = imports.filter((i) => {
    const to = target(i);
    if (to === undefined) return false;
    const [from, into] = [i.file.split('/')[0], to.split('/')[0]];
    return from !== 'index.ts' && from !== into && !MAY_IMPORT[from].includes(into);
  });
  expect(wrong.map((i) => `${i.file} -> ${i.to}`)).toEqual([]);
});

test('what also runs in a browser reaches no node modules', () => {
  const reached = new Set(files.filter((file) => inside(file, BROWSER)));
  NOT_BUNDLED.forEach((file) => reached.delete(file));
  const wrong: string[] = [];
  // A set also visits what is added on the way.
  for (const file of reached)
    for (const i of imports.filter((one) => one.file === file && one.runtime)) {
      const to = target(i);
      if (to !== undefined && !NOT_BUNDLED.includes(to)) reached.add(to);
      if (PACKAGES_OF_NODE.test(i.to)) wrong.push(`${i.file} -> ${i.to}`);
    }
  expect(wrong).toEqual([]);
});

test('only one file loads tfjs, by the quick way', () => {
  const wrong = imports.filter((i) => i.runtime && i.to === '@tensorflow/tfjs');
  expect(wrong.map((i) => i.file)).toEqual([]);
});

test('data, metrics, weights and reports know no tensor library', () => {
  const wrong = imports.filter(
    (i) => PACKAGES_OF_THE_ENGINE.test(i.to) && inside(i.file, NO_TENSORS),
  );
  expect(wrong.map((i) => `${i.file} -> ${i.to}`)).toEqual([]);
});

test('the public API re-exports what the rooms below the tools have', () => {
  const text = readFileSync(join(ROOT, 'index.ts'), 'utf8').replaceAll(/\/\*.*?\*\//gs, '');
  expect(text.replaceAll(/export (?:type )?\{[^}]*\} from '[^']+';/g, '').trim()).toBe('');
  const from = importsOf('index.ts').map(({ to }) => to);
  expect(from.filter((to) => TOOLS.test(to))).toEqual([]);
});

test('examples use the package as its users do, and scripts what is built', () => {
  const found = modules
    .flatMap(importsOf)
    .filter(({ to }) => to.startsWith('.') && !/^(\.\/[\w-]+\.mjs$|\.\.\/dist\/)/.test(to));
  expect(found.map(({ file, to }) => `${file} -> ${to}`)).toEqual([]);
});

test('there are no import cycles, also not of types', () => {
  const graph = new Map<string, string[]>();
  for (const i of [...imports, ...modules.flatMap(importsOf)]) {
    const to = target(i);
    if (to !== undefined) graph.set(i.file, [...(graph.get(i.file) ?? []), to]);
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});

test('no file has more than 20 imports, tests neither', () => {
  const count = (file: string): number =>
    readFileSync(join(ROOT, file), 'utf8').match(/^import\b/gm)?.length ?? 0;
  const all = [...files, ...modules, ...sources('test')];
  expect(all.filter((file) => count(file) > 20)).toEqual([]);
});

test('doc comments start with a noun or a verb, and no comment with What', () => {
  const started = [...files, ...sources('test'), ...modules].flatMap((file) =>
    [
      ...readFileSync(join(ROOT, file), 'utf8').matchAll(
        /\/\*\*\s+(?:\*\s+)?(\w+)|^\s*\/\/ (?=What )/gm,
      ),
    ]
      .filter(
        ([, word]) =>
          word === undefined || /^(What|Who|Whose|Why|When|Where|Which|How)$/.test(word),
      )
      .map(([comment]) => `${file}: ${comment.replaceAll(/[\s*/]+/g, ' ')}`),
  );
  expect(started).toEqual([]);
});

test('files stay small, and every import resolves to a source file', () => {
  const tests = sources('test');
  const tooLong = [
    ...files.map((f) => [f, 400] as const),
    ...tests.map((f) => [f, 600] as const),
  ].filter(
    ([file, limit]) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > limit + 1,
  );
  expect(tooLong.map(([file]) => file)).toEqual([]);
  const existing = new Set(files);
  const dangling = imports.filter((i) => {
    const to = target(i);
    return (
      to !== undefined &&
      to.endsWith('.ts') &&
      !existing.has(to) &&
      relative(ROOT, join(ROOT, to)) !== 'index.ts'
    );
  });
  expect(dangling.map((i) => `${i.file} -> ${i.to}`)).toEqual([]);
});
