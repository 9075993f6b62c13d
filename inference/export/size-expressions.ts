import { ExportError } from '../../core/errors.js';
import type { GraphComposer, ValueName } from './graph-composer.js';

/** Sizes of the network's input in a trace. */
export interface TracedSizes {
  readonly batch: number;
  /** In pixels; 1 for networks on RoIs, which have no such axes. */
  readonly height: number;
  readonly width: number;
}

/** Values of the same sizes in a graph that computes its shapes, int64 `[1]`. */
export type SizeValues = Readonly<Record<keyof TracedSizes, ValueName>>;

/** A length inside the network as a function of a side of its input. */
interface Length {
  readonly of: (side: number) => number;
  readonly node: (g: GraphComposer, side: ValueName) => ValueName;
}

const floorOf = (divisor: number): Length => ({
  of: (side) => Math.floor(side / divisor),
  node: (g, side) => (divisor === 1 ? side : g.op('Div', [side, g.integers([divisor])])),
});

/** Length of P6, which has every second row of P5. */
const halved: Length = {
  of: (side) => Math.ceil(Math.floor(side / 32) / 2),
  node: (g, side) =>
    g.op('Div', [g.op('Add', [floorOf(32).node(g, side), g.integers([1])]), g.integers([2])]),
};

/** Length of P6 and one more, see `everySecond`. */
const halvedAndOne: Length = {
  of: (side) => halved.of(side) + 1,
  node: (g, side) => g.op('Add', [halved.node(g, side), g.integers([1])]),
};

/** Padding of P5 before every second row is taken. */
const halvingPad: Length = {
  of: (side) => 2 * halvedAndOne.of(side) - Math.floor(side / 32),
  node: (g, side) =>
    g.op('Sub', [
      g.op('Mul', [halvedAndOne.node(g, side), g.integers([2])]),
      floorOf(32).node(g, side),
    ]),
};

/** Lengths of maps, and of what is between them. */
const PATCH_LENGTHS: readonly Length[] = [
  ...[4, 8, 16, 32, 1].map(floorOf),
  ...[halved, halvedAndOne, halvingPad],
];

/** Quotient of the quarter that a stem of two halvings leaves, which is rounded up. */
const ofQuarter = (divisor: number): Length => ({
  of: (side) => Math.floor(Math.ceil(side / 4) / divisor),
  node: (g, side) => {
    const quarter = floorOf(4).node(g, g.op('Add', [side, g.integers([3])]));
    return floorOf(divisor).node(g, quarter);
  },
});

/** Lengths of maps behind an overlapping stem. */
const OVERLAP_LENGTHS: readonly Length[] = [
  ...[1, 2, 4, 8].map(ofQuarter),
  {
    of: (side) => Math.ceil(side / 2),
    node: (g, side) => floorOf(2).node(g, g.op('Add', [side, g.integers([1])])),
  },
];

/** Sizes for which a network is traced, and the lengths that can be in it. */
export interface Traces {
  readonly sizes: readonly TracedSizes[];
  readonly lengths: readonly Length[];
}

/** Rows and columns of images in multiples of 32, by trace. They are large, because small maps are resized in another way. */
const SQUARES = [
  { batch: 2, rows: 15, columns: 24 },
  { batch: 3, rows: 18, columns: 17 },
  { batch: 5, rows: 21, columns: 19 },
];

/**
 * More than one image, because some operations are simpler for one; sides whose quotients and remainders tell one length
 * inside the network from every other, and that leave a row and a column over at every halving, so that it is cropped.
 */
const withRests = (rests: readonly number[]): readonly TracedSizes[] =>
  SQUARES.map(({ batch, rows, columns }, i) => ({
    batch,
    height: 32 * rows + rests[i],
    width: 32 * columns + rests[(i + 2) % 3],
  }));

/** Traces by the inputs of a network. */
export const TRACES = {
  /** Images of any size from 32 pixels on. */
  images: { sizes: withRests([29, 30, 31]), lengths: PATCH_LENGTHS },
  /** The same for a stem of overlapping patches. */
  'overlapping images': { sizes: withRests([25, 26, 27]), lengths: OVERLAP_LENGTHS },
  /** Images with sides that are multiples of 32. */
  'padded images': { sizes: withRests([0, 0, 0]), lengths: PATCH_LENGTHS },
  /** Rows of RoIs. */
  rows: { sizes: [2, 3, 5].map((batch) => ({ batch, height: 1, width: 1 })), lengths: [] },
} as const satisfies Readonly<Record<string, Traces>>;

/** A product `factor · batch? · length of the height? · length of the width?`. */
interface Product {
  readonly factor: number;
  readonly batch: boolean;
  readonly height: Length | undefined;
  readonly width: Length | undefined;
}

/**
 * Derives how a size inside a network depends on the sizes of its input, from its values in several traces.
 *
 * @param values by trace
 * @throws ExportError if it is not a product of lengths of maps
 */
function productOf(values: readonly number[], { sizes: traces, lengths }: Traces): Product {
  const [first] = values;
  if (values.every((value) => value === first))
    return { factor: first, batch: false, height: undefined, width: undefined };
  const options = [undefined, ...lengths];
  for (const batch of [false, true]) {
    for (const height of options) {
      for (const width of options) {
        const factors = traces.map(
          (sizes, i) =>
            values[i] /
            ((batch ? sizes.batch : 1) *
              (height?.of(sizes.height) ?? 1) *
              (width?.of(sizes.width) ?? 1)),
        );
        const [factor] = factors;
        if (Number.isInteger(factor) && factors.every((each) => each === factor))
          return { factor, batch, height, width };
      }
    }
  }
  throw new ExportError(
    `export: expected sizes that follow from those of the image, got ${values.join(', ')} for images of ${traces.map(({ batch, height, width }) => `[${batch}, ${height}, ${width}]`).join(', ')}`,
  );
}

/** Computes shapes in a graph from the sizes of the network's input; equal ones are computed once. */
export class SizeExpressions {
  private readonly known = new Map<string, ValueName>();

  constructor(
    private readonly g: GraphComposer,
    private readonly traces: Traces,
    private readonly sizes: SizeValues,
  ) {}

  /**
   * Value of a shape, or of other sizes.
   *
   * @param members its values by trace
   * @returns int64 `[n]`
   * @throws ExportError if one does not follow from the input's sizes
   */
  vector(members: readonly (readonly number[])[]): ValueName {
    const key = members.map((values) => values.join()).join(';');
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const value = this.g.concat(
      members[0].map((_, i) => this.size(members.map((values) => values[i]))),
    );
    this.known.set(key, value);
    return value;
  }

  /** @returns int64 `[1]` */
  private size(values: readonly number[]): ValueName {
    const { g, sizes } = this;
    const key = `size ${values.join()}`;
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const { factor, batch, height, width } = productOf(values, this.traces);
    const terms = [
      ...(batch ? [sizes.batch] : []),
      ...(height ? [height.node(g, sizes.height)] : []),
      ...(width ? [width.node(g, sizes.width)] : []),
    ];
    const [first = g.integers([factor]), ...others] = terms;
    const scale = terms.length > 0 && factor !== 1 ? [g.integers([factor])] : [];
    const value = g.chain('Mul', first, ...others, ...scale);
    this.known.set(key, value);
    return value;
  }
}
