import { describe, expect, test } from 'vitest';
import { WeightsError } from '../../../core/errors.js';
import { PickleCursor } from '../../../io/torch/cursor.js';
import { flattenCheckpoint } from '../../../io/torch/flatten.js';
import { torchRules } from '../../../io/torch/rules.js';
import { unpickle } from '../../../io/torch/unpickle.js';
import {
  bytes,
  call,
  dict,
  float,
  global,
  int,
  list,
  pickle,
  text,
  tuple,
  u32,
  u64,
  type Part,
} from './torch-file.js';

/** The plain JavaScript value of a pickle. */
function load(data: Uint8Array): unknown {
  const value = unpickle(new PickleCursor('f', data), torchRules('f'));
  const { plain } = flattenCheckpoint('f', value);
  return Object.keys(plain).join() === 'value' ? plain['value'] : plain;
}

const value = (...parts: Part[]) => load(pickle(bytes(...parts)));

test('constants of every protocol', () => {
  expect(load(bytes('I42\n.'))).toBe(42); // protocol 0: no header
  expect(load(bytes('I01\n.'))).toBe(true);
  expect(load(bytes('L-12345678901234567890L\n.'))).toBe(-12345678901234567890n);
  expect(load(bytes('F-1.5e3\n.'))).toBe(-1500);
  expect(load(bytes('Finf\n.'))).toBe(Infinity);
  expect(load(bytes("S'ab'\n."))).toBe('ab');
  expect(load(bytes('Vab\n.'))).toBe('ab');
  expect([value('N'), value([0x88]), value([0x89])]).toEqual([null, true, false]);
  expect([value('K\xff'), value('M\x01\x02'), value(int(-7))]).toEqual([255, 513, -7]);
  expect(value([0x8a, 2, 0, 0x80])).toBe(-32768);
  expect(value([0x8a, 0])).toBe(0);
  expect(value([0x8b, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBe(2n ** 64n);
  expect(value(float(0.1))).toBe(0.1);
  expect([value(text('ä')), value('U\x01\xe4'), value([0x8c, 2], Buffer.from('ä'))]).toEqual([
    'ä',
    'ä',
    'ä',
  ]);
  expect(value([0x8d], u64(1), 'x')).toBe('x');
  expect(value('C\x02ab')).toEqual(Uint8Array.of(97, 98));
  expect(value('B', u32(1), 'a')).toEqual(Uint8Array.of(97));
  expect(value([0x96], u64(1), 'a')).toEqual(Uint8Array.of(97));
});

test('containers, memo and stack', () => {
  expect(value(list(int(1), tuple(), tuple(int(2), int(3))))).toEqual([1, [], [2, 3]]);
  expect(value('K\x01K\x02K\x03\x87')).toEqual([1, 2, 3]);
  expect(value('K\x01\x85')).toEqual([1]);
  expect(() => value('](K\x01l')).toThrow('expected one value at the end');
  expect(value('(K\x01K\x02l')).toEqual([1, 2]);
  expect(value(']K\x01a')).toEqual([1]);
  expect(value(dict({ a: int(1), b: dict({}) }))).toEqual({ a: 1, b: {} });
  expect(value('(', text('k'), 'K\x05d')).toEqual({ k: 5 });
  expect(value('}', text('k'), 'K\x05s')).toEqual({ k: 5 });
  expect(value('}K\x07K\x05s')).toEqual({ 7: 5 });
  expect(value([0x8f], '(K\x01K\x02', [0x90])).toEqual([1, 2]);
  expect(value('(K\x01', [0x91])).toEqual([1]);
  expect(value(']q\x05K\x09a0h\x05')).toEqual([9]); // put, change, pop, get: the same list
  expect(value(']r', u32(300), '0j', u32(300))).toEqual([]);
  expect(value(']p7\n0g7\n')).toEqual([]);
  expect(value(text('x'), [0x94], '0h\x00')).toBe('x');
  expect(value('K\x022\x86')).toEqual([2, 2]);
  expect(value('K\x01(K\x021')).toBe(1);
  expect(load(bytes([0x80, 4, 0x95], u64(2), 'K\x01.'))).toBe(1);
});

test('names and calls of the white list become data', () => {
  const namespace = bytes(global('argparse', 'Namespace'), ')\x81', dict({ lr: float(0.5) }), 'b');
  expect(value(namespace)).toEqual({ lr: 0.5 });
  const old = call(
    global('copy_reg', '_reconstructor'),
    global('argparse', 'Namespace'),
    global('__builtin__', 'object'),
    bytes('N'),
  );
  expect(value(old, dict({ a: int(1) }), 'b')).toEqual({ a: 1 });
  expect(value(call(global('collections', 'OrderedDict'), list(list(text('a'), int(1)))))).toEqual({
    a: 1,
  });
  expect(value(call(global('torch', 'Size'), list(int(2), int(3))))).toEqual([2, 3]);
  expect(value(call(global('torch', 'device'), text('cuda')))).toBe('cuda');
  expect(value(global('torch', 'float16'))).toBe('torch.float16');
  expect(value(text('torch'), text('bfloat16'), [0x93])).toBe('torch.bfloat16');
  expect(value(call(global('__builtin__', 'set'), list(int(1))))).toEqual([1]);
  expect(value(call(global('pathlib', 'PosixPath'), text('/'), text('data'), text('x')))).toBe(
    '/data/x',
  );
});

test('an attribute of a state dict is no entry', () => {
  const metadata = dict({ _metadata: dict({ version: int(1) }) });
  expect(
    value(call(global('collections', 'OrderedDict')), text('a'), int(1), 's', metadata, 'b'),
  ).toEqual({ a: 1 });
});

test('numpy scalars become numbers, in both byte orders', () => {
  const dtype = (code: string, order: string) =>
    bytes(
      call(global('numpy', 'dtype'), text(code), int(0), int(1)),
      tuple(int(3), text(order), bytes('N')),
      'b',
    );
  const scalar = (code: string, order: string, raw: string) =>
    value(
      call(
        global('numpy.core.multiarray', 'scalar'),
        dtype(code, order),
        bytes('C', [raw.length], raw),
      ),
    );
  expect(scalar('f8', '<', '\0\0\0\0\0\0\xf8\x3f')).toBe(1.5);
  expect(scalar('f8', '>', '\x3f\xf8\0\0\0\0\0\0')).toBe(1.5);
  expect(scalar('i8', '<', '\xfe\xff\xff\xff\xff\xff\xff\xff')).toBe(-2);
  expect(scalar('f4', '<', '\0\0\xc0\x3f')).toBe(1.5);
  expect(scalar('b1', '|', '\x01')).toBe(true);
  const latin1 = call(global('_codecs', 'encode'), text('\0\0À?'), text('latin1'));
  expect(value(call(global('numpy._core.multiarray', 'scalar'), dtype('f4', '<'), latin1))).toBe(
    1.5,
  );
  expect(() => scalar('f8', '<', '\0')).toThrow('expected 8 bytes of a numpy f8');
});

const hostile: [string, Uint8Array, RegExp][] = [
  [
    'os.system',
    pickle(call(global('os', 'system'), text('touch /tmp/x'))),
    /got os\.system \(nothing was executed/,
  ],
  ['posix.system', pickle(call(global('posix', 'system'), text('x'))), /posix\.system/],
  ['builtins.eval', pickle(call(global('builtins', 'eval'), text('1'))), /builtins\.eval/],
  ['builtins.getattr', pickle(global('__builtin__', 'getattr')), /__builtin__\.getattr/],
  [
    'a name of a prototype',
    pickle(global('constructor', 'constructor')),
    /constructor\.constructor/,
  ],
  ['eval by STACK_GLOBAL', pickle(bytes(text('builtins'), text('eval'), [0x93])), /builtins\.eval/],
  ['INST', pickle(bytes('(ios\nsystem\n')), /opcode of plain data, got 0x69/],
  ['OBJ', pickle(bytes('(', global('torch', 'Size'), 'o')), /got 0x6f/],
  ['an extension', pickle(bytes([0x82, 1])), /got 0x82/],
  ['a call of a value', pickle(call(text('torch.Size'))), /expected something to call/],
  [
    'a call of a dtype',
    pickle(call(global('torch', 'float32'))),
    /something to call, got torch\.float32/,
  ],
  ['state for a number', pickle(bytes(int(1), dict({}), 'b')), /expected an object with fields/],
  ['protocol 6', pickle(int(1), 6), /protocol 0 to 5, got 6/],
  ['an empty stack', pickle(bytes('0')), /expected a value on the stack/],
  ['a mark as value', pickle(bytes('(')), /expected a value on the stack/],
  ['no mark', pickle(bytes('t')), /expected a mark/],
  ['an unknown memo entry', pickle(bytes('h\x09')), /memo entry 9, got none/],
  ['odd pairs', pickle(bytes('}(K\x01u')), /pairs of key and value/],
  ['appending to a dict', pickle(bytes('}K\x01a')), /expected a list, got a dict/],
  [
    'a string longer than the file',
    pickle(bytes('X', u32(0xfffffff0))),
    /expected 4294967280 bytes/,
  ],
  ['a length beyond 2^53', pickle(bytes([0x8d], u64(2n ** 62n))), /expected a length/],
  ['an integer of 4 GB', pickle(bytes([0x8b], u32(0xffffffff))), /integer of up to 64 bytes/],
  ['an integer of many digits', bytes('L', '9'.repeat(10_000), '\n.'), /expected an integer/],
  ['a line without end', bytes('V', 'x'.repeat(200_000)), /a line of at most/],
  ['a number that is none', bytes('Fconstructor\n.'), /expected a number/],
  ['no STOP', bytes([0x80, 2], 'N'), /expected 1 bytes/],
  ['nothing', bytes(), /expected 1 bytes/],
  ['two values', pickle(bytes('NN')), /one value at the end/],
];

test.each(hostile)('%s is an error of one line', (_, data, message) => {
  let error: unknown;
  try {
    load(data);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(WeightsError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('\n');
});

test('deep nesting, cycles and shared sharing end in an error, not in a crash', () => {
  const deep = pickle(bytes(']'.repeat(100_000), 'a'.repeat(99_999)));
  expect(() => load(deep)).toThrow('nested at most 64 deep');
  expect(() => load(pickle(bytes(']q\x00h\x00a')))).toThrow('nested at most 64 deep');
  const doubling = Array.from({ length: 40 }, (_, i) =>
    bytes(']q', [i + 1], '(h', [i], 'h', [i], 'e0'),
  );
  expect(() => load(pickle(bytes(']q\x000', ...doubling, 'h', [40])))).toThrow(
    'expected at most 1000000 values',
  );
  const chain = bytes(global('torch._tensor', '_rebuild_from_type_v2'), 'q\x00h\x00N)\x87', 'R');
  expect(() => load(pickle(chain))).toThrow('expected the arguments of a tensor');
});

test('many small opcodes cannot fill the memory', () => {
  expect(() => load(pickle(bytes(']'.repeat(3_000_000))))).toThrow(
    'expected at most 1000000 values',
  );
  // One list of 100 000 items, copied again and again by a call of five bytes.
  const items = bytes('](', 'N'.repeat(100_000), 'eq\x01');
  const copies = bytes(
    global('builtins', 'set'),
    'q\x02',
    ...Array<string>(100).fill('0h\x02h\x01\x85R'),
  );
  expect(() => load(pickle(bytes(items, '0', copies)))).toThrow(
    'expected calls on at most 4000000 items',
  );
});

describe('a few bytes that ask for much work are refused at once', () => {
  const many = (count: number): Part => Array<number>(count).fill(0x4e); // None
  const repeated = (part: Part, count: number): Part[] => Array<Part>(count).fill(part);
  /** Memo 0 is a tuple of many items, or a dict or list of them. */
  const TUPLE = bytes('(', many(100_000), 't', 'q\x00', '0');
  const BOMBS: Readonly<Record<string, () => Uint8Array>> = {
    'a long tuple as key of many entries': () =>
      bytes(TUPLE, '}(', ...repeated('h\x00N', 5000), 'u'),
    'a large state for many objects': () =>
      bytes(
        '}(',
        ...Array.from({ length: 20_000 }, (_, i) => bytes(int(i), 'N')),
        'u',
        'q\x00',
        '0](',
        ...repeated(bytes(call(global('argparse', 'Namespace')), 'h\x00b'), 5000),
        'e',
      ),
    'many arguments of many calls': () =>
      bytes(
        TUPLE,
        '](',
        ...repeated(bytes(global('torch._utils', '_rebuild_x'), 'h\x00R'), 5000),
        'e',
      ),
    'many parts of many paths': () => {
      const parts = bytes('(', ...repeated(text('abcdefgh'), 20_000), 't', 'q\x00', '0');
      const path = bytes(global('pathlib', 'PosixPath'), 'h\x00R');
      return bytes(parts, '](', ...repeated(path, 5000), 'e');
    },
  };
  test.each(Object.entries(BOMBS))('%s', (_, make) => {
    const data = pickle(make());
    const start = performance.now();
    expect(() => load(data)).toThrow(/expected calls on at most \d+ items/);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('bytes as the code of a numpy type are not made a text', () => {
    const code = bytes('B', u32(2 ** 22), new Uint8Array(2 ** 22), 'q\x00', '0');
    const dtype = bytes(global('numpy', 'dtype'), 'h\x00\x85R');
    const start = performance.now();
    expect(load(pickle(bytes(code, '](', ...repeated(dtype, 2000), 'e')))).toHaveLength(2000);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
