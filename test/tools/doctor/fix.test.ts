import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../../io/files/module-url.js';
import { findUnused, installMissing, removeUnused } from '../../../tools/doctor/fix.js';
import { dataFolder } from '../../helpers/data-folder.js';

describe('the command that installs what is missing', () => {
  const of = (folder: string, ...files: readonly string[]) =>
    installMissing(folder, (file) => files.includes(String(file)));

  test.each([
    ['/p/node_modules/convnextv2', ['/p/package.json'], 'npm install --ignore-scripts'],
    [
      '/p/node_modules/convnextv2',
      ['/p/package.json', '/p/package-lock.json'],
      'npm install --ignore-scripts',
    ],
    [
      '/p/node_modules/.pnpm/convnextv2@1/node_modules/convnextv2',
      ['/p/package.json', '/p/pnpm-lock.yaml'],
      'pnpm install --ignore-scripts',
    ],
    [
      '/p/node_modules/convnextv2',
      ['/p/package.json', '/p/yarn.lock'],
      'yarn install --ignore-scripts --check-files',
    ],
  ])('%s with %j', (folder, files, command) => {
    expect(of(folder, ...files)).toEqual({ command: command.split(' '), cwd: '/p' });
  });

  test('in a checkout runs there; of a global installation installs globally', () => {
    expect(of('/src/convnextv2', '/src/convnextv2/package.json').cwd).toBe('/src/convnextv2');
    const { command } = of('/usr/lib/node_modules/convnextv2');
    expect(command.slice(0, 4)).toEqual(['npm', 'install', '--global', '--ignore-scripts']);
    const { optionalDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    expect(command[4]).toBe(`onnxruntime-node@${optionalDependencies['onnxruntime-node']}`);
  });

  test('the folder of the package is that of its package.json', () => {
    expect(existsSync(join(packageRoot(), 'tools/doctor/fix.ts'))).toBe(true);
  });
});

describe('what a machine does not use', () => {
  const folder = dataFolder();

  test('is libraries of other platforms and maps; the rest stays', () => {
    const used = ['bin/napi-v6/linux/x64/a.so', 'dist/index.js', 'package.json'];
    const unused = [
      'bin/napi-v6/linux/arm64/a.so',
      'bin/napi-v6/darwin/arm64/a.dylib',
      'bin/napi-v6/win32/x64/a.dll',
      'dist/index.js.map',
    ];
    for (const file of [...used, ...unused]) folder.write(`ort/${file}`, 'ten bytes!');
    folder.write('none/package.json', '{}');
    const found = findUnused([folder.at('ort'), folder.at('none')], {
      platform: 'linux',
      arch: 'x64',
    });
    expect(found.bytes).toBe(10 * unused.length);
    removeUnused(found);
    expect(used.filter((file) => !existsSync(folder.at(`ort/${file}`)))).toEqual([]);
    expect(unused.filter((file) => existsSync(folder.at(`ort/${file}`)))).toEqual([]);
    expect(findUnused([folder.at('ort')], { platform: 'linux', arch: 'x64' }).bytes).toBe(0);
  });
});
