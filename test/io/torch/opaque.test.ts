import { expect, test } from 'vitest';
import { openWeights } from '../../../weights/open.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  bytes,
  call,
  dict,
  floats,
  global,
  int,
  list,
  tensor,
  text,
  torchLegacy,
  torchZip,
  tuple,
} from './torch-file.js';

const { put } = temporaryFolder();

const weight = tensor({ key: '0', numel: 2, shape: [2], strides: [1] });

/** Opens `{ model: { w }, x: value }`. */
async function beside(value: Uint8Array) {
  const file = await put(
    'x.pt',
    torchZip(dict({ model: dict({ w: weight }), x: value }), { 0: floats(1, 2) }),
  );
  const source = await openWeights(file);
  try {
    const values = await source.tensors.get('model.w')?.read();
    return { names: [...source.tensors.keys()], values, x: source.plain['x'] };
  } finally {
    await source.close();
  }
}

/** An object that pickle builds with `NEWOBJ` and attributes. */
const object = (module: string, name: string, state: Uint8Array): Uint8Array =>
  bytes(global(module, name), ')\x81', state, 'b');

const dtype = (code: string): Uint8Array =>
  bytes(
    call(global('numpy', 'dtype'), text(code), int(0), int(1)),
    tuple(int(3), text('|'), bytes('N')),
    'b',
  );
const array = (code: string, data: Uint8Array): Uint8Array =>
  bytes(
    call(
      global('numpy.core.multiarray', '_reconstruct'),
      global('numpy', 'ndarray'),
      tuple(int(0)),
    ),
    tuple(int(1), tuple(int(1)), dtype(code), bytes([0x89]), data),
    'b',
  );

test.each<[string, Uint8Array, unknown]>([
  [
    'the log of mmengine',
    object(
      'mmengine.logging.history_buffer',
      'HistoryBuffer',
      dict({ _log_history: array('f8', bytes('C\x08', new Uint8Array(8))) }),
    ),
    'mmengine.logging.history_buffer.HistoryBuffer',
  ],
  ['an array', array('f8', bytes('C\x08', new Uint8Array(8))), 'numpy.ndarray'],
  ['an array of objects', array('O8', list(text('a'))), 'numpy.ndarray'],
  [
    'a scalar of text',
    call(global('numpy.core.multiarray', 'scalar'), dtype('U1'), bytes('C\x04a\0\0\0')),
    'numpy.core.multiarray.scalar',
  ],
  [
    'an enumeration before Python 3.11',
    call(global('builtins', 'getattr'), global('__main__', 'Color'), text('RED')),
    'builtins.getattr',
  ],
  ['a date', call(global('datetime', 'date'), bytes('C\x04\x07\xe8\x01\x01')), 'datetime.date'],
  ['a deque', bytes(call(global('collections', 'deque')), '(K\x01K\x02e'), 'collections.deque'],
  [
    'a subclass of dict',
    bytes(
      global('addict.addict', 'Dict'),
      ')\x81(',
      text('a'),
      'K\x01u',
      dict({ frozen: int(0) }),
      'b',
    ),
    'addict.addict.Dict',
  ],
  [
    'a configuration of omegaconf',
    object('omegaconf.dictconfig', 'DictConfig', dict({ _content: dict({ a: int(1) }) })),
    'omegaconf.dictconfig.DictConfig',
  ],
  ['an object with slots', object('m', 'Slots', tuple(bytes('N'), dict({ a: int(1) }))), 'm.Slots'],
  [
    'an object with keyword arguments',
    bytes(global('m', 'Keywords'), ')', dict({ a: int(1) }), [0x92]),
    'm.Keywords',
  ],
  ['a class', global('torch.nn.modules.linear', 'Linear'), 'torch.nn.modules.linear.Linear'],
  ['a function', global('builtins', 'len'), 'builtins.len'],
  ['a slice', call(global('builtins', 'slice'), int(1), int(2), bytes('N')), 'builtins.slice'],
  ['a complex number', call(global('builtins', 'complex'), int(1), int(2)), 'builtins.complex'],
  ['a bytearray', call(global('builtins', 'bytearray'), bytes('C\x01a')), 'builtins.bytearray'],
  ['Ellipsis', global('builtins', 'Ellipsis'), 'builtins.Ellipsis'],
  ['a program', call(global('os', 'system'), text('touch /tmp/x')), 'os.system'],
  [
    'a dict with a factory',
    bytes(call(global('collections', 'defaultdict'), global('builtins', 'int')), '(K\x01K\x02u'),
    { 1: 2 },
  ],
  ['a namespace', object('types', 'SimpleNamespace', dict({ a: int(1) })), { a: 1 }],
  [
    'an object that refers to itself',
    bytes(
      global('m', 'Parent'),
      ')\x81q\x07',
      dict({ child: dict({ parent: bytes('h\x07') }) }),
      'b',
    ),
    'm.Parent',
  ],
])('%s beside the weights is inert', async (_, value, shown) => {
  expect(await beside(value)).toEqual({
    names: ['model.w'],
    values: Float32Array.of(1, 2),
    x: shown,
  });
});

test('long arrays that are written as text are inert, however many there are', async () => {
  const encoded = call(global('_codecs', 'encode'), text('x'.repeat(5000)), text('latin1'));
  const arrays = list(...Array.from({ length: 1000 }, () => array('u1', encoded)));
  const { names, x } = await beside(arrays);
  expect(names).toEqual(['model.w']);
  expect(x).toHaveLength(1000);
});

test('a class of a legacy file with its source code is inert', async () => {
  const id = tuple(text('module'), global('m', 'Net'), text('m.py'), text('import os'));
  const value = bytes(id, 'Q', ')\x81', dict({ a: int(1) }), 'b');
  const file = torchLegacy(dict({ w: weight, x: value }), [['0', 2, floats(1, 2)]]);
  const source = await openWeights(await put('source.pt', file));
  expect(source.plain).toEqual({ x: 'm.Net' });
  await source.close();
});

test('a long chain of objects is cut, not refused', async () => {
  let chain = bytes('N');
  for (let i = 0; i < 200; i++) chain = object('m', 'Node', dict({ next: chain }));
  expect(await beside(chain)).toMatchObject({ names: ['model.w'], x: 'm.Node' });
});

const linear = (weights: Uint8Array, fields: Record<string, Uint8Array> = {}): Uint8Array =>
  object(
    'torch.nn.modules.linear',
    'Linear',
    dict({
      training: bytes([0x89]),
      _parameters: dict({ weight: weights, bias: bytes('N') }),
      _buffers: dict({ counter: weights, transient: weights }),
      _non_persistent_buffers_set: bytes([0x8f], '(', text('transient'), [0x90]),
      _modules: dict({}),
      ...fields,
    }),
  );

test('a whole module has the names of its state dict', async () => {
  const parameter = call(
    global('torch._utils', '_rebuild_parameter'),
    weight,
    bytes([0x88]),
    call(global('collections', 'OrderedDict')),
  );
  const inner = linear(parameter);
  const outer = linear(weight, {
    _modules: dict({ head: inner }),
    example: tensor({ key: '0', numel: 2, shape: [1], strides: [1] }),
  });
  const file = await put(
    'module.pt',
    torchZip(dict({ ema: outer, epoch: int(3) }), { 0: floats(1, 2) }),
  );
  const source = await openWeights(file);
  expect([...source.tensors.keys()]).toEqual([
    'ema.weight',
    'ema.counter',
    'ema.head.weight',
    'ema.head.counter',
  ]);
  expect(source.plain).toEqual({ epoch: 3 });
  await source.close();
});

const complexId = tuple(
  text('storage'),
  global('torch', 'ComplexFloatStorage'),
  text('c'),
  text('cpu'),
  int(1),
);
const rebuilt = (...args: Uint8Array[]): Uint8Array =>
  call(global('torch._utils', '_rebuild_tensor_v2'), ...args);
const complex = rebuilt(
  bytes(complexId, 'Q'),
  int(0),
  tuple(int(1)),
  tuple(int(1)),
  bytes([0x89]),
  call(global('collections', 'OrderedDict')),
);

test.each([
  ['complex', complex, [1], 'torch.ComplexFloatStorage'],
  [
    'sparse',
    call(
      global('torch._utils', '_rebuild_sparse_tensor'),
      global('torch', 'sparse_coo'),
      tuple(weight, weight, tuple(int(2), int(2))),
    ),
    [2, 2],
    'torch._utils._rebuild_sparse_tensor',
  ],
  [
    'without storage',
    call(global('torch._utils', '_rebuild_meta_tensor_no_storage'), text('f'), tuple(int(3))),
    [3],
    'torch._utils._rebuild_meta_tensor_no_storage',
  ],
])('a %s tensor is refused only where it is read', async (_, value, shape, type) => {
  const data = dict({ w: weight, odd: value });
  for (const file of [
    await put('odd.pt', torchZip(data, { 0: floats(1, 2), c: floats(1, 2) })),
    await put(
      'odd-legacy.pt',
      torchLegacy(
        data,
        [
          ['c', 1, floats(1, 2)],
          ['0', 2, floats(1, 2)],
        ].filter(([key]) => key !== 'c' || type.includes('Complex')) as never,
      ),
    ),
  ]) {
    const source = await openWeights(file);
    expect(await source.tensors.get('w')?.read()).toEqual(Float32Array.of(1, 2));
    expect(source.tensors.get('odd')).toMatchObject({ shape, unreadable: type });
    await expect(source.tensors.get('odd')?.read()).rejects.toThrow(
      `tensor "odd": expected real numbers in a dense tensor, got ${type}`,
    );
    await source.close();
  }
});

const sound = torchZip(
  dict({ a: weight, b: tensor({ key: '1', numel: 3, shape: [1], offset: 1, strides: [1] }) }),
  {
    0: floats(1, 2),
    1: floats(3, 4, 5),
  },
);
const at = (...values: number[]): number =>
  Buffer.from(sound).indexOf(Buffer.from(floats(...values)));

test.each([
  ['a', at(1, 2), 'data/0'],
  ['b', at(3, 4, 5) + 11, 'data/1'], // a byte that no tensor covers
])('a flipped bit is found when %s is read, and by checking', async (name, position, record) => {
  const flipped = sound.slice();
  flipped[position] ^= 1;
  const source = await openWeights(await put('flipped.pt', flipped));
  const message = new RegExp(`expected CRC-32 [0-9a-f]{8} of record "${record}", got [0-9a-f]{8}`);
  await expect(source.tensors.get(name)?.read()).rejects.toThrow(message);
  await expect(source.check?.()).rejects.toThrow(message);
  await source.close();
});

test('a flipped bit in the pickle is found at once, one in a record without tensors by checking', async () => {
  const flipped = sound.slice();
  flipped[Buffer.from(sound).indexOf('torch._utils')] ^= 1;
  await expect(openWeights(await put('pickle.pt', flipped))).rejects.toThrow(
    'of record "data.pkl"',
  );
  const extra = torchZip(dict({ a: weight }), { 0: floats(1, 2) }, [
    { name: 'archive/version', data: bytes('three') },
  ]);
  extra[Buffer.from(extra).indexOf('three')] ^= 1;
  const source = await openWeights(await put('version.pt', extra));
  expect(await source.tensors.get('a')?.read()).toEqual(Float32Array.of(1, 2));
  await expect(source.check?.()).rejects.toThrow('of record "version"');
  await source.close();
  const whole = await openWeights(await put('sound.pt', sound));
  await expect(whole.check?.()).resolves.toBeUndefined();
  await whole.close();
});
