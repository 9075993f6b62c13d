import { WeightsError } from '../../core/errors.js';
import { narrow, type PickleCursor } from './cursor.js';
import {
  describe,
  emptyDict,
  isKind,
  sequence,
  type PickleKey,
  type PickleValue,
} from './values.js';

/** Handling of names and calls by the allowlist: nothing is looked up or executed. */
export interface PickleRules {
  /** Resolves a name in the stream. @throws WeightsError if it is not on the list */
  resolve(module: string, name: string): PickleValue;
  /** `callable(*args)` as data. */
  call(callable: PickleValue, args: readonly PickleValue[]): PickleValue;
  /** `object.__setstate__(state)` as data. */
  setState(object: PickleValue, state: PickleValue): PickleValue;
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
 * plain values and resolves every name with `rules`, so nothing in the file can be executed.
 *
 * @param cursor positioned right after the STOP opcode afterward
 * @throws WeightsError for unknown opcodes, names that `rules` reject, and beyond the limits
 * @see https://github.com/python/cpython/blob/v3.12.0/Lib/pickletools.py
 */
export function unpickle(cursor: PickleCursor, rules: PickleRules): PickleValue {
  const stack: (PickleValue | typeof MARK)[] = [];
  const memo = new Map<number, PickleValue>();
  let numValues = 0;

  const fail = (message: string): never => {
    throw WeightsError.in(cursor.file, `${message} at byte ${cursor.position} of the pickle`);
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
    if (!isKind(list, 'list')) return fail(`expected a list, got ${describe(list)}`);
    for (const item of items) list.items.push(item);
  };
  const setItems = (pairs: readonly PickleValue[]): void => {
    const dict = top();
    if (!isKind(dict, 'dict')) return fail(`expected a dict, got ${describe(dict)}`);
    if (pairs.length % 2 !== 0) fail('expected pairs of key and value');
    for (let i = 0; i < pairs.length; i += 2) dict.entries.set(toKey(pairs[i]), pairs[i + 1]);
  };
  const addToSet = (items: readonly PickleValue[]): void => {
    const set = top();
    if (!isKind(set, 'set')) return fail(`expected a set, got ${describe(set)}`);
    for (const item of items) set.items.push(item);
  };
  const lineInteger = (line: string): number | bigint =>
    /^[+-]?\d{1,160}$/.test(line) ? narrow(BigInt(line)) : fail(`expected an integer`);
  const dictOf = (pairs: readonly PickleValue[]): void => {
    push(emptyDict());
    setItems(pairs);
  };

  for (;;) {
    const opcode = String.fromCharCode(cursor.uint8());
    switch (opcode) {
      // Frame of the stream.
      case '\x80': {
        const protocol = cursor.uint8();
        if (protocol > 5) fail(`expected pickle protocol 0 to 5, got ${protocol}`);
        break;
      }
      case '\x95': // FRAME: a hint for buffered readers
        cursor.length64();
        break;
      case '.': {
        const result = pop();
        return stack.length > 0 ? fail('expected one value at the end, got more') : result;
      }
      // Constants.
      case 'N':
        push(null);
        break;
      case '\x88':
        push(true);
        break;
      case '\x89':
        push(false);
        break;
      case 'I': {
        const line = cursor.line();
        push(line === '00' ? false : line === '01' ? true : lineInteger(line));
        break;
      }
      case 'J':
        push(cursor.int32());
        break;
      case 'K':
        push(cursor.uint8());
        break;
      case 'M':
        push(cursor.uint16());
        break;
      case 'L':
        push(lineInteger(cursor.line().replace(/L$/, '')));
        break;
      case '\x8a':
        push(cursor.integer(cursor.uint8()));
        break;
      case '\x8b':
        push(cursor.integer(cursor.uint32()));
        break;
      case 'F': {
        const line = cursor.line().replace('inf', 'Infinity');
        const number = Number(line);
        push(Number.isNaN(number) && line !== 'nan' ? fail('expected a number') : number);
        break;
      }
      case 'G':
        push(cursor.float64());
        break;
      // Text and bytes. Protocol 2 strings of Python 2 are read as Latin-1.
      case 'S':
        push(cursor.line().replace(/^(['"])(.*)\1$/, '$2'));
        break;
      case 'V':
        push(cursor.line());
        break;
      case 'U':
        push(cursor.latin1(cursor.uint8()));
        break;
      case 'T':
        push(cursor.latin1(cursor.uint32()));
        break;
      case '\x8c':
        push(cursor.utf8(cursor.uint8()));
        break;
      case 'X':
        push(cursor.utf8(cursor.uint32()));
        break;
      case '\x8d':
        push(cursor.utf8(cursor.length64()));
        break;
      case 'C':
        push(cursor.take(cursor.uint8()));
        break;
      case 'B':
        push(cursor.take(cursor.uint32()));
        break;
      case '\x8e':
      case '\x96':
        push(cursor.take(cursor.length64()));
        break;
      // Containers.
      case '(':
        push(MARK);
        break;
      case ')':
        push(sequence('tuple', []));
        break;
      case 't':
        push(sequence('tuple', popMark()));
        break;
      case '\x85':
      case '\x86':
      case '\x87': {
        const items: PickleValue[] = [];
        for (let i = opcode.charCodeAt(0) - 0x84; i > 0; i--) items.unshift(pop());
        push(sequence('tuple', items));
        break;
      }
      case ']':
        push(sequence('list', []));
        break;
      case 'l':
        push(sequence('list', popMark()));
        break;
      case 'a':
        append([pop()]);
        break;
      case 'e':
        append(popMark());
        break;
      case '}':
        push(emptyDict());
        break;
      case 'd':
        dictOf(popMark());
        break;
      case 's': {
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case 'u':
        setItems(popMark());
        break;
      case '\x8f':
        push(sequence('set', []));
        break;
      case '\x90':
        addToSet(popMark());
        break;
      case '\x91':
        push(sequence('set', popMark()));
        break;
      // Stack and memo.
      case '0':
        if (stack.pop() === undefined) fail('expected a value on the stack');
        break;
      case '1':
        popMark();
        break;
      case '2':
        push(top());
        break;
      case 'p':
        memoize(Number(lineInteger(cursor.line())));
        break;
      case 'q':
        memoize(cursor.uint8());
        break;
      case 'r':
        memoize(cursor.uint32());
        break;
      case '\x94':
        memoize(memo.size);
        break;
      case 'g':
        recall(Number(lineInteger(cursor.line())));
        break;
      case 'h':
        recall(cursor.uint8());
        break;
      case 'j':
        recall(cursor.uint32());
        break;
      // Names, calls and state, which the rules resolve.
      case 'c':
        push(rules.resolve(cursor.line(), cursor.line()));
        break;
      case '\x93': {
        const name = text(pop());
        push(rules.resolve(text(pop()), name));
        break;
      }
      case 'R':
      case '\x81': {
        const args = popTuple();
        push(rules.call(pop(), args));
        break;
      }
      case 'b': {
        const state = pop();
        push(rules.setState(pop(), state));
        break;
      }
      case 'P':
        push(rules.persistent(cursor.line()));
        break;
      case 'Q':
        push(rules.persistent(pop()));
        break;
      default:
        fail(`expected an opcode of plain data, got 0x${opcode.charCodeAt(0).toString(16)}`);
    }
  }
}

function toKey(value: PickleValue): PickleKey {
  if (value === null || typeof value !== 'object') return value;
  if (isKind(value, 'tuple')) return `(${value.items.map(describe).join(', ')})`;
  return describe(value);
}
