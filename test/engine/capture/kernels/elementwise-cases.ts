import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../../engine/runtime/program.js';
import type { KernelCase, KernelTable } from './kernel-case.js';
import { FORWARD_ONLY, SHAPES, bool, exactly, float, int, of, ofTwo, text } from './kernel-case.js';

interface Unary {
  readonly f: (x: tf.Tensor) => tf.Tensor;
  /** Interval in which the function is defined and smooth and its derivative moderate. */
  readonly range?: readonly [number, number];
  /** Points where implementations like to differ. */
  readonly points?: readonly number[];
  /** False where the gradient needs kernels that ONNX has not. */
  readonly gradient?: false;
}

const POSITIVE = [0.3, 3] as const;

const UNARY: Readonly<Record<string, Unary>> = {
  Abs: { f: tf.abs, points: [-1, 0, 2] },
  Ceil: { f: tf.ceil, points: [-1.5, -1, -0.2, 0, 0.2, 7] },
  Cos: { f: tf.cos },
  Elu: { f: tf.elu, points: [-20, 0, 20], gradient: false },
  Erf: { f: tf.erf, points: [-5, 0, 5] },
  Exp: { f: tf.exp },
  Expm1: { f: tf.expm1 },
  Floor: { f: tf.floor, points: [-1.5, -1, -0.2, 0, 0.2, 7] },
  Log: { f: tf.log, range: POSITIVE },
  Log1p: { f: tf.log1p, range: POSITIVE, points: [0, 1e-6] },
  Neg: { f: tf.neg },
  Reciprocal: { f: tf.reciprocal, range: POSITIVE },
  Relu: { f: tf.relu, points: [-1, 0, 1] },
  Relu6: { f: tf.relu6, range: [-1, 8], points: [-1, 0, 6, 7] },
  Round: { f: tf.round, points: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49] },
  Rsqrt: { f: tf.rsqrt, range: POSITIVE },
  Sigmoid: { f: tf.sigmoid, points: [-100, 0, 100] },
  Sign: { f: tf.sign, points: [-3, 0, 3] },
  Sin: { f: tf.sin },
  Softplus: { f: tf.softplus, points: [-100, 0, 100] },
  Sqrt: { f: tf.sqrt, range: POSITIVE, points: [0.25, 4] },
  Square: { f: tf.square },
  Step: { f: (x) => tf.step(x, -0.5), points: [-1, 0, 1] },
  Tanh: { f: tf.tanh, points: [-30, 0, 30] },
  LeakyRelu: { f: (x) => tf.leakyRelu(x, 0.3), points: [-1, 0, 1] },
  ClipByValue: { f: (x) => tf.clipByValue(x, -0.5, 1.5), points: [-0.5, -1, 1.5, 2] },
};

function unaryCases({ f, range = [-2, 2], points, gradient }: Unary): KernelCase[] {
  const more = gradient === false ? FORWARD_ONLY : {};
  return [
    ...SHAPES.map((shape) => of(text(shape), float(shape, range), f, more)),
    ...(points ? [of('points', exactly([points.length], points), f, more)] : []),
    of('uniform', float([2]), (x) => f(tf.fill([3, 2], 0.75)).mul(x)),
    of('broadcast', float([1, 3], range), (x) => f(x.tile([2, 1])).reshape([3, 2]), more),
  ];
}

/** Unary kernels that also take integers. */
const OF_INTEGERS: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  Abs: tf.abs,
  Neg: tf.neg,
  Relu: tf.relu,
  Relu6: tf.relu6,
  Sign: tf.sign,
  Square: tf.square,
  ClipByValue: (x) => tf.clipByValue(x, -2, 3),
};

/** Pairs of shapes that broadcast in every way. */
const PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[3], []],
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[1], [2, 1, 2, 3]],
  [
    [2, 1, 2, 1, 3],
    [1, 2, 2, 2, 1],
  ],
];

interface Binary {
  readonly f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  readonly range?: readonly [number, number];
  /** The operand of a uniform constant that would change nothing. */
  readonly neutral?: number;
  readonly integers?: boolean;
  /** False where tfjs cannot differentiate broadcasts. */
  readonly broadcastGradient?: false;
}

const ARITHMETIC: Readonly<Record<string, Binary>> = {
  Add: { f: tf.add, neutral: 0, integers: true },
  Sub: { f: tf.sub, neutral: 0, integers: true },
  Multiply: { f: tf.mul, neutral: 1, integers: true },
  RealDiv: { f: tf.div, range: POSITIVE, neutral: 1 },
  Maximum: { f: tf.maximum, integers: true, broadcastGradient: false },
  Minimum: { f: tf.minimum, integers: true, broadcastGradient: false },
  Pow: { f: tf.pow, range: POSITIVE, neutral: 1 },
  SquaredDifference: { f: tf.squaredDifference, integers: true, broadcastGradient: false },
};

/** The constant is the second operand, the first, and of a larger shape than the other operand. */
function constantCases(
  f: Binary['f'],
  fill: number,
  x: HostTensor,
  more: Partial<KernelCase>,
): KernelCase[] {
  return [
    of(`uniform ${fill} right`, x, (a) => f(a, tf.fill([2, 3], fill))),
    of(`uniform ${fill} left`, x, (a) => f(tf.fill([2, 3], fill), a)),
    of(`larger ${fill} right`, x, (a) => f(a, tf.fill([4, 2, 3], fill)), more),
    of(`larger ${fill} left`, x, (a) => f(tf.fill([4, 2, 3], fill), a), more),
    of(`scalar ${fill}`, x, (a) => f(a, tf.scalar(fill))),
  ];
}

function arithmeticCases(entry: Binary): KernelCase[] {
  const { f, range = [-2, 2], neutral, integers, broadcastGradient } = entry;
  const more = broadcastGradient === false ? FORWARD_ONLY : {};
  return [
    ...PAIRS.map(([a, b]) =>
      ofTwo(
        `${text(a)} ${text(b)}`,
        float(a, range, 2),
        float(b, range, 3),
        f,
        text(a) === text(b) ? {} : more,
      ),
    ),
    ...constantCases(f, 0.5, float([2, 3], range), more),
    ...(neutral === undefined ? [] : constantCases(f, neutral, float([2, 3], range), more)),
    ...(integers
      ? [
          ofTwo('int32', int([2, 3]), int([3], [-5, 5], 2), f),
          of('int32 zero', int([2, 3]), (a) => f(a, tf.zeros([2, 3], 'int32'))),
          of('int32 one', int([2, 3]), (a) => f(a, tf.ones([2, 3], 'int32'))),
        ]
      : []),
    of('broadcast', float([1, 3], range), (x) => f(x.tile([2, 1]), x.tile([2, 1]).reshape([2, 3]))),
    of('uniform both', float([2]), (x) => f(tf.fill([3, 2], 2), tf.fill([2], 4)).mul(x)),
  ];
}

const COMPARISONS: Readonly<Record<string, Binary['f']>> = {
  Equal: tf.equal,
  NotEqual: tf.notEqual,
  Greater: tf.greater,
  GreaterEqual: tf.greaterEqual,
  Less: tf.less,
  LessEqual: tf.lessEqual,
};

const comparisonCases = (f: Binary['f']): KernelCase[] => [
  ...PAIRS.map(([a, b]) =>
    // Few values, so that equal ones occur.
    ofTwo(`int32 ${text(a)} ${text(b)}`, int(a, [0, 2], 2), int(b, [0, 2], 3), f),
  ),
  ofTwo('float', exactly([4], [1, 2, 3, -0]), exactly([4], [2, 2, 1, 0]), f, FORWARD_ONLY),
  of('uniform', exactly([3], [1, 2, 3]), (x) => f(x, tf.fill([2, 3], 2)), FORWARD_ONLY),
];

const LOGICAL: Readonly<Record<string, Binary['f']>> = {
  LogicalAnd: tf.logicalAnd,
  LogicalOr: tf.logicalOr,
};

const logicalCases = (f: Binary['f']): KernelCase[] => [
  ...PAIRS.map(([a, b]) => ofTwo(`${text(a)} ${text(b)}`, bool(a, 2), bool(b, 3), f)),
  of('uniform', bool([2, 3]), (x) => f(x, tf.ones([2, 3], 'bool'))),
];

const select: KernelCase = {
  name: 'select',
  inputs: { condition: bool([2, 3]), a: float([2, 3]), b: float([2, 3], [-2, 2], 2) },
  op: ({ condition, a, b }) => tf.where(condition, a, b),
};

const CASTS: readonly KernelCase[] = [
  of('float32 to int32 truncates', exactly([6], [-1.7, -0.5, 0, 0.5, 1.7, 3]), (x) =>
    x.cast('int32'),
  ),
  of('float32 to bool', exactly([4], [-1.7, 0, 0.5, 1]), (x) => x.cast('bool')),
  of('int32 to float32', int([2, 3]), (x) => x.cast('float32')),
  of('int32 to bool', int([2, 3], [0, 2]), (x) => x.cast('bool')),
  of('bool to float32', bool([2, 3]), (x) => x.cast('float32')),
  of('bool to int32', bool([2, 1, 3]), (x) => x.cast('int32')),
  of('the same type', float([2, 3]), (x) => tf.cast(x, 'float32').mul(x)),
  of('uniform', float([2]), (x) => tf.fill([3, 2], -1.5).cast('int32').cast('float32').mul(x)),
  of('uniform bool', float([2]), (x) => tf.fill([3, 2], 2).cast('bool').cast('float32').mul(x)),
  of('broadcast', int([1, 3]), (x) => x.tile([2, 1]).cast('float32')),
];

const merge = (...tables: KernelTable[]): KernelTable => {
  const all: Record<string, KernelCase[]> = {};
  for (const table of tables)
    for (const [name, cases] of Object.entries(table)) (all[name] ??= []).push(...cases);
  return all;
};

const mapped = <T>(
  table: Readonly<Record<string, T>>,
  f: (entry: T) => readonly KernelCase[],
): KernelTable =>
  Object.fromEntries(Object.entries(table).map(([name, entry]) => [name, f(entry)]));

export const ELEMENTWISE_CASES: KernelTable = merge(
  mapped(UNARY, unaryCases),
  mapped(OF_INTEGERS, (f) => [of('int32', int([2, 3]), f)]),
  mapped(ARITHMETIC, arithmeticCases),
  mapped(COMPARISONS, comparisonCases),
  mapped(LOGICAL, logicalCases),
  {
    LogicalNot: [...SHAPES.map((shape) => of(text(shape), bool(shape), tf.logicalNot))],
    Pow: [
      of('an integer power of negative numbers', float([2, 3]), (x) => tf.pow(x, tf.scalar(2))),
      of('a power of zero', exactly([2], [0, 2]), (x) => tf.pow(x, tf.scalar(3))),
      of('one to some power', float([2]), (x) => tf.pow(tf.ones([3, 2]), x)),
    ],
    Maximum: [ofTwo('equal', exactly([2], [1, 2]), exactly([2], [1, 3]), tf.maximum)],
    Minimum: [ofTwo('equal', exactly([2], [1, 2]), exactly([2], [1, 3]), tf.minimum)],
    Equal: [ofTwo('bool', bool([2, 3]), bool([2, 3], 2), tf.equal)],
    NotEqual: [ofTwo('bool', bool([2, 3]), bool([2, 3], 2), tf.notEqual)],
    Select: [
      select,
      { ...select, name: 'scalars', inputs: { condition: bool([]), a: float([]), b: float([]) } },
      {
        ...select,
        name: 'broadcast',
        inputs: { condition: bool([3]), a: float([2, 3]), b: float([]) },
      },
      {
        ...select,
        name: 'int32',
        inputs: { condition: bool([2, 3]), a: int([2, 3]), b: int([2, 3], [-5, 5], 2) },
      },
      {
        ...select,
        name: 'uniform branches',
        op: ({ condition, a }) => tf.where(condition, tf.zerosLike(a), a),
      },
    ],
    AddN: [
      ofTwo('two', float([2, 3]), float([2, 3], [-2, 2], 2), (a, b) => tf.addN([a, b])),
      ofTwo('a uniform and a broadcast one', float([2, 3]), float([1, 3]), (a, b) =>
        tf.addN([tf.ones([2, 3]), a, b.tile([2, 1])]),
      ),
      of('one', float([2, 3]), (x) => tf.addN([x])),
      ofTwo('int32', int([2, 3]), int([2, 3], [-5, 5], 2), (a, b) => tf.addN([a, b, a])),
    ],
    Cast: CASTS,
  },
);
