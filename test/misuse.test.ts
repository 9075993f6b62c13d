import { expect, test } from 'vitest';
import { describedValue } from '../core/arguments.js';
import * as api from '../index.js';
import { temporaryFolder } from './helpers/temporary-folder.js';

/*
 * Callers without types: whatever the functions of the public API are called with, errors are those of the API, which say
 * what was expected. Nothing is opened, trained or written, because no call is complete.
 */
const { folder } = temporaryFolder();

type Callable = (...values: readonly unknown[]) => unknown;

const WRONG = [undefined, null, 3, 'none', {}, [], () => 1, Object.create(null)] as const;
const isError = (value: Callable): boolean => value.prototype instanceof Error;
const FUNCTIONS = Object.entries(api as Readonly<Record<string, unknown>>).filter(
  (entry): entry is [string, Callable] =>
    typeof entry[1] === 'function' && !isError(entry[1] as Callable),
);

/** Calls a function or constructs an object. @returns the error if it is none of the API */
async function foreignError(callee: Callable, values: readonly unknown[]): Promise<unknown> {
  const isClass = Function.prototype.toString.call(callee).startsWith('class');
  try {
    await (isClass ? (Reflect.construct(callee, values) as unknown) : callee(...values));
    return undefined;
  } catch (error) {
    return error instanceof api.InputError || error instanceof api.WorkError ? undefined : error;
  }
}

const shown = (name: string, values: readonly unknown[], error: unknown): string =>
  `${name}(${values.map(describedValue).join(', ')}): ${String(error)}`;

test.each(FUNCTIONS)('%s refuses wrong arguments', async (name, callee) => {
  const problems: string[] = [];
  const calls = [[], ...WRONG.map((a) => [a]), ...WRONG.flatMap((a) => WRONG.map((b) => [a, b]))];
  for (const values of calls) {
    const error = await foreignError(callee, values);
    if (error !== undefined) problems.push(shown(name, values, error));
  }
  expect(problems).toEqual([]);
});

const IMAGE = { width: 1, height: 1, data: new Uint8Array(3) };
const RESULT = { task: 'detect', width: 1, height: 1, objects: [], classNames: [] };
const out = (): string => `${folder}/a.onnx`;

test.each<[string, () => unknown, RegExp]>([
  ['a path for an object', () => api.loadCoco('a.json' as never), /loadCoco: expected a source as/],
  ['a number', () => api.openWeights(3 as never), /expected the path of a weight file, got 3/],
  ['no options', () => api.loadModel('none', null as never), /an object of options, got null/],
  ['no model', () => api.exportOnnx(undefined as never, { out: out() }), /an open model, its/],
  ['no weights', () => api.exportOnnx({} as never, { out: out() }), /got {} without model/],
  [
    'a layout of another kind',
    () => api.checkData({ kind: 'x', splits: {} } as never, {} as never),
    /got "x"/,
  ],
  ['no layout', () => api.checkData('none' as never, {} as never), /that detectLayout returned/],
  [
    'no result',
    () => api.draw(null as never, IMAGE),
    /draw: expected the result of a model, got null/,
  ],
  ['a result of another task', () => api.draw({ ...RESULT, task: 'x' } as never, IMAGE), /got "x"/],
  [
    'a result without objects',
    () => api.toYolo({ ...RESULT, objects: 3 } as never),
    /list of objects, got 3/,
  ],
  ['a model for its result', () => api.toCoco({ task: 'detect' } as never), /without width/],
  ['no picture', () => api.draw(RESULT as never, null as never), /image: expected a path or/],
  [
    'no folder',
    () => api.writeShapes(null as never, api.SHAPES_DEFAULTS),
    /path of a folder, got null/,
  ],
  ['an empty path', () => api.detectLayout(''), /expected the path of a data set, got ""/],
])('%s is named with what was expected', async (_, call, message) => {
  const error: unknown = await Promise.resolve()
    .then(call)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(api.InputError);
  expect((error as Error).message).toMatch(message);
});

test('the functions of the table are all of the API', () => {
  expect(FUNCTIONS.length).toBeGreaterThan(80);
  expect(Object.keys(api).filter((name) => /^[a-z]/.test(name))).toEqual(
    expect.arrayContaining(['loadModel', 'evaluate', 'train']),
  );
});
