import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WorkError } from '../../core/errors.js';
import type { LoadedModel } from '../../inference/model.js';
import { writeWebModel, type WebPrecision } from '../../inference/web/write.js';
import { moduleUrl } from '../../io/files/module-url.js';
import { writeNewFolder } from '../../io/files/new-folder.js';
import { readWebRuntime } from '../../io/files/web-runtime.js';

/** Files of onnxruntime-web: with WebAssembly alone, and with WebGPU. A browser fetches one of the two. */
const RUNTIME = ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'].flatMap((name) => [
  `${name}.mjs`,
  `${name}.wasm`,
]);

/** Only the site's own files; WebAssembly must be allowed by name. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Differences of the exported page to that of `serve`. */
const CHANGES: readonly (readonly [string, string])[] = [
  [
    '<meta charset="utf-8" />',
    `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${POLICY}" />`,
  ],
  ['href="/style.css"', 'href="style.css"'],
  ['src="/app.js"', 'src="app.js"'],
  ['<p><a href="/docs">API</a></p>', ''],
  ['They go to this server only.', 'They stay on this computer: the model runs in this browser.'],
];

/** A written site. */
export interface SiteDocument {
  readonly folder: string;
  readonly task: string;
  readonly precision: WebPrecision;
  readonly modelBytes: number;
  /** Page, scripts and styles, without onnxruntime-web's WebAssembly. */
  readonly pageBytes: number;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/**
 * Writes a folder that any static server hosts: the page, the model and onnxruntime-web. No request leaves its origin.
 *
 * @param folder must not exist or be empty
 * @throws ConfigError for the folder, or for a model that a file cannot hold; WeightsError for weights beyond half precision
 */
export async function writeSite(
  loaded: LoadedModel,
  folder: string,
  precision: WebPrecision,
): Promise<SiteDocument> {
  await writeNewFolder(folder, async (partial) => {
    await mkdir(join(partial, 'model'));
    await mkdir(join(partial, 'runtime'));
    await writeWebModel(join(partial, 'model/model.safetensors'), loaded, precision);
    const page = (file: string): string =>
      fileURLToPath(moduleUrl(`../page/${file}`, import.meta.url));
    const html = await readFile(page('index.html'), 'utf8');
    await writeFile(join(partial, 'index.html'), changed(html));
    await copyFile(page('style.css'), join(partial, 'style.css'));
    const scripts = fileURLToPath(moduleUrl('site/app.js', import.meta.url));
    for (const name of await readdir(dirname(scripts)))
      await copyFile(join(dirname(scripts), name), join(partial, name));
    for (const name of RUNTIME)
      await writeFile(join(partial, 'runtime', name), await readWebRuntime(name));
  });
  const files = await listSizes(folder);
  const sum = (belongs: (name: string) => boolean): number =>
    files.reduce((total, { name, bytes }) => total + (belongs(name) ? bytes : 0), 0);
  return {
    folder,
    task: loaded.card.task,
    precision,
    files,
    modelBytes: sum((name) => name.startsWith('model')),
    pageBytes: sum((name) => !/^(model|runtime)/.test(name)),
  };
}

function changed(html: string): string {
  return CHANGES.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new WorkError(`page: expected ${from}, got another page`);
    return text.replace(from, to);
  }, html);
}

async function listSizes(folder: string): Promise<SiteDocument['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name);
      const { size } = await stat(path);
      return { name: path.slice(join(folder, '/').length), bytes: size };
    }),
  );
}
