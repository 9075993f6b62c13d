import { performance } from 'node:perf_hooks';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { parseYaml, YamlProblem } from '../../../io/yaml/parse.js';
import { readYaml } from '../../../io/yaml/read.js';
import { readConfigFile } from '../../../train/config/file.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-yaml-'));
afterAll(() => rmSync(folder, { recursive: true }));
const problem = (text: string): YamlProblem => {
  try {
    parseYaml(text);
  } catch (error) {
    expect(error).toBeInstanceOf(YamlProblem);
    return error as YamlProblem;
  }
  throw new Error('expected a problem');
};

/** Every level repeats the one below ten times. */
const BOMB = [
  'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
  ...Array.from(
    { length: 9 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`,
  ),
].join('\n');

test('aliases are resolved, within a budget', () => {
  expect(parseYaml('base: &b {x: 1}\nother: *b')).toEqual({ base: { x: 1 }, other: { x: 1 } });
  expect(problem(BOMB).message).toMatch(/alias/i);
  const long = `a: &a [${Array(20_000).fill('x').join(',')}]\nb: [${Array(90).fill('*a').join(',')}]`;
  expect(problem(long).message).toBe('aliases that stand for more than 1000000 values');
  expect(problem('a: &a [*a]').message).toMatch(/alias/i);
});

test('a bomb is an error of its reader, with the file', () => {
  const file = join(folder, 'bomb.yaml');
  writeFileSync(file, BOMB);
  expect(() => readYaml(file)).toThrow(DataError);
  expect(() => readConfigFile(file)).toThrow(ConfigError);
  expect(() => readConfigFile(file)).toThrow(/bomb\.yaml: expected YAML or JSON, got .*alias/i);
});

test('keys are unique, and many of them take no time', () => {
  expect(problem('a: 1\nb: {c: 1,\n c: 2}')).toMatchObject({
    message: 'Map keys must be unique',
    line: 3,
  });
  const start = performance.now();
  const many = Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join('\n');
  expect(Object.keys(parseYaml(many) as object).length).toBe(50_000);
  expect(performance.now() - start).toBeLessThan(8000);
});

test('deep nesting and broken text are problems of one line', () => {
  for (const text of ['['.repeat(100_000), '{a: '.repeat(50_000), 'a: [', '\t- x', 'a: b: c'])
    expect(problem(text).message).not.toContain('\n');
  expect(problem('ok: 1\nbroken: [').line).toBeGreaterThan(0);
});

test('files that extend each other twice at every level are refused', () => {
  const name = (level: number): string => join(folder, `level-${level}.yaml`);
  writeFileSync(name(0), 'extends: classify');
  for (let level = 1; level <= 40; level++)
    writeFileSync(name(level), `extends: [level-${level - 1}.yaml, level-${level - 1}.yaml]`);
  expect(readConfigFile(name(3)).layers.length).toBe(15);
  const start = performance.now();
  expect(() => readConfigFile(name(40))).toThrow(/extends: expected at most 200 files in all/);
  expect(performance.now() - start).toBeLessThan(5000);
});

test('values nested too deeply are named as such, and keys that are lists warn of nothing', () => {
  for (const deep of [`x: ${'['.repeat(100_000)}`, '{a: '.repeat(20_000)])
    expect(() => parseYaml(deep)).toThrow('values nested too deeply');
  const warnings = vi.spyOn(process, 'emitWarning');
  expect(parseYaml('? [1, 2]\n: 3\n')).toEqual({ '[ 1, 2 ]': 3 });
  expect(warnings).not.toHaveBeenCalled();
});
