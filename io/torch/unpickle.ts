import { WeightsFileError } from '../../core/errors.js';
import { narrow, type PickleCursor } from './cursor.js';
import {
  describe,
  emptyDict,
  isKind,
  sequence,
  type PickleKey,
  type PickleValue,
} from './values.js';

/** Handling of names and calls: known ones become data, others inert descriptions; nothing is looked up or executed. */
export interface PickleRules {
  /** Resolves a name in the stream. */
  resolve(module: string, name: string): PickleValue;
  /** `callable(*args)` as data. */
  call(callable: PickleValue, args: readonly PickleValue[]): PickleValue;
  /** `object.__setstate__(state)` as data. */
  setState(object: PickleValue, state: PickleValue): PickleValue;
  /** Charges work on values that the stream may refer to any number of times. @throws WeightsError beyond the budget */
  spend(amount: number): void;
  /** An object outside the pickle: a storage. */
  persistent(id: PickleValue): PickleValue;
}

/** Limit of values and memo entries of one pickle: several times that of the largest training checkpoint. */
const MAX_VALUES = 1_000_000;
const MAX_STACK = 500_000;

/** Marks a position on the stack. */
const MARK = Symbol('mark');

/**
 * Reads one pickle (protocols 0–5) as data. It is a stack machine without recursion that supports only the opcodes for
 * plain values and resolves every name with `rules`, so nothing in the file can be executed; objects of unknown classes
 * become inert descriptions.
 *
 * @param cursor positioned right after the STOP opcode afterward
 * @throws WeightsError for unknown opcodes, calls that `rules` reject, and beyond the limits
 * @see https://github.com/python/cpython/blob/v3.12.0/Lib/pickletools.py
 */
export function unpickle(cursor: PickleCursor, rules: PickleRules): PickleValue {
  const stack: (PickleValue | typeof MARK)[] = [];
  const memo = new Map<number, PickleValue>();
  let numValues = 0;

  const fail = (message: string): never => {
    throw WeightsFileError.in(cursor.file, `${message} at byte ${cursor.position} of the pickle`);
  };
  const push = (value: PickleValue | typeof MARK): void => {
    if (++numValues > MAX_VALUES || stack.length >= MAX_STACK) {
      fail(`expected at most ${MAX_VALUES} values, ${MAX_STACK} of them pending, got more`);
    }
    stack.push(value);
  };
  const pop = (): PickleValue => {
    const value = stack.pop();
    return value === undefined || value === MARK ? fail('expected a value on the stack') : value;
  };
  const top = (): PickleValue => {
    const value = stack[stack.length - 1];
    return value === undefined || value === MARK ? fail('expected a value on the stack') : value;
  };
  /** Pops everything above the last mark, and the mark. */
  const popMark = (): PickleValue[] => {
    const at = stack.lastIndexOf(MARK);
    if (at < 0) fail('expected a mark on the stack');
    const items = stack.splice(at);
    items.shift();
    return items as PickleValue[];
  };
  const popTuple = (): PickleValue[] => {
    const args = pop();
    return isKind(args, 'tuple') ? args.items : fail(`expected a tuple, got ${describe(args)}`);
  };
  const text = (value: PickleValue): string =>
    typeof value === 'string' ? value : fail(`expected text, got ${describe(value)}`);
  const memoize = (index: number): void => {
    if (memo.size >= MAX_VALUES) fail(`expected at most ${MAX_VALUES} memo entries, got more`);
    memo.set(index, top());
  };
  const recall = (index: number): void => {
    const value = memo.get(index);
    push(value === undefined ? fail(`expected memo entry ${index}, got none`) : value);
  };
  const append = (items: readonly PickleValue[]): void => {
    const list = top();
    if (!isKind(list, 'list') && !isKind(list, 'opaque'))
      return fail(`expected a list, got ${describe(list)}`);
    for (const item of items) list.items.push(item);
  };
  const setItems = (pairs: readonly PickleValue[]): void => {
    const dict = top();
    if (!isKind(dict, 'dict') && !isKind(dict, 'opaque'))
      return fail(`expected a dict, got ${describe(dict)}`);
    if (pairs.length % 2 !== 0) fail('expected pairs of key and value');
    for (let i = 0; i < pairs.length; i += 2)
      dict.entries.set(toKey(pairs[i], rules.spend), pairs[i + 1]);
  };
  const addToSet = (items: readonly PickleValue[]): void => {
    const set = top();
    if (!isKind(set, 'set') && !isKind(set, 'opaque'))
      return fail(`expected a set, got ${describe(set)}`);
    for (const item of items) set.items.push(item);
  };
  const lineInteger = (line: string): number | bigint =>
    /^[+-]?\d{1,160}$/.test(line) ? narrow(BigInt(line)) : fail(`expected an integer`);
  const dictOf = (pairs: readonly PickleValue[]): void => {
    push(emptyDict());
    setItems(pairs);
  };

  const tupleOf = (length: number): void => {
    const items: PickleValue[] = [];
    for (let i = 0; i < length; i++) items.unshift(pop());
    push(sequence('tuple', items));
  };
  const call = (): void => {
    const args = popTuple();
    push(rules.call(pop(), args));
  };

  const opcodes: Readonly<Record<string, (() => void) | undefined>> = {
    // Frame of the stream.
    '\x80': () => {
      const protocol = cursor.uint8();
      if (protocol > 5) fail(`expected pickle protocol 0 to 5, got ${protocol}`);
    },
    '\x95': () => cursor.length64(), // FRAME: a hint for buffered readers
    // Constants.
    N: () => push(null),
    '\x88': () => push(true),
    '\x89': () => push(false),
    I: () => {
      const line = cursor.line();
      push(line === '00' ? false : line === '01' ? true : lineInteger(line));
    },
    J: () => push(cursor.int32()),
    K: () => push(cursor.uint8()),
    M: () => push(cursor.uint16()),
    L: () => push(lineInteger(cursor.line().replace(/L$/, ''))),
    '\x8a': () => push(cursor.integer(cursor.uint8())),
    '\x8b': () => push(cursor.integer(cursor.uint32())),
    F: () => {
      const line = cursor.line().replace('inf', 'Infinity');
      const number = Number(line);
      push(Number.isNaN(number) && line !== 'nan' ? fail('expected a number') : number);
    },
    G: () => push(cursor.float64()),
    // Text and bytes. Protocol 2 strings of Python 2 are read as Latin-1.
    S: () => push(cursor.line().replace(/^(['"])(.*)\1$/, '$2')),
    V: () => push(cursor.line()),
    U: () => push(cursor.latin1(cursor.uint8())),
    T: () => push(cursor.latin1(cursor.uint32())),
    '\x8c': () => push(cursor.utf8(cursor.uint8())),
    X: () => push(cursor.utf8(cursor.uint32())),
    '\x8d': () => push(cursor.utf8(cursor.length64())),
    C: () => push(cursor.take(cursor.uint8())),
    B: () => push(cursor.take(cursor.uint32())),
    '\x8e': () => push(cursor.take(cursor.length64())),
    '\x96': () => push(cursor.take(cursor.length64())),
    // Containers.
    '(': () => push(MARK),
    ')': () => push(sequence('tuple', [])),
    t: () => push(sequence('tuple', popMark())),
    '\x85': () => tupleOf(1),
    '\x86': () => tupleOf(2),
    '\x87': () => tupleOf(3),
    ']': () => push(sequence('list', [])),
    l: () => push(sequence('list', popMark())),
    a: () => append([pop()]),
    e: () => append(popMark()),
    '}': () => push(emptyDict()),
    d: () => dictOf(popMark()),
    s: () => {
      const value = pop();
      setItems([pop(), value]);
    },
    u: () => setItems(popMark()),
    '\x8f': () => push(sequence('set', [])),
    '\x90': () => addToSet(popMark()),
    '\x91': () => push(sequence('set', popMark())),
    // Stack and memo.
    '0': () => {
      if (stack.pop() === undefined) fail('expected a value on the stack');
    },
    '1': () => popMark(),
    '2': () => push(top()),
    p: () => memoize(Number(lineInteger(cursor.line()))),
    q: () => memoize(cursor.uint8()),
    r: () => memoize(cursor.uint32()),
    '\x94': () => memoize(memo.size),
    g: () => recall(Number(lineInteger(cursor.line()))),
    h: () => recall(cursor.uint8()),
    j: () => recall(cursor.uint32()),
    // Names, calls and state, which the rules resolve.
    c: () => push(rules.resolve(cursor.line(), cursor.line())),
    '\x93': () => {
      const name = text(pop());
      push(rules.resolve(text(pop()), name));
    },
    R: call,
    '\x81': call,
    // A class that is created with keyword arguments, which no known one is.
    '\x92': () => {
      pop();
      call();
    },
    b: () => {
      const state = pop();
      push(rules.setState(pop(), state));
    },
    P: () => push(rules.persistent(cursor.line())),
    Q: () => push(rules.persistent(pop())),
  };

  for (;;) {
    const opcode = String.fromCharCode(cursor.uint8());
    if (opcode === '.') break;
    const run = opcodes[opcode];
    if (run) run();
    else fail(`expected an opcode of plain data, got 0x${opcode.charCodeAt(0).toString(16)}`);
  }
  const result = pop();
  return stack.length > 0 ? fail('expected one value at the end, got more') : result;
}

/**
 * Converts a value to a key: tuples and objects to a text that describes them.
 *
 * @param spend charges the items of a tuple, which may be a key many times
 */
export function toKey(value: PickleValue, spend: (amount: number) => void): PickleKey {
  if (value === null || typeof value !== 'object') return value;
  if (!isKind(value, 'tuple')) return describe(value);
  spend(value.items.length);
  return `(${value.items.map(describe).join(', ')})`;
}
