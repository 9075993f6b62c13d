import { assertObject } from '../../core/arguments.js';

/**
 * Declaration of a model's parameters: a tree of specs whose paths are the names in the official checkpoints, e.g.
 * `stages.0.0.pwconv1.weight`.
 */

/** Distribution of the initial values. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** Normal with standard deviation `std`, redrawn outside ±`limit` (absolute). */
  | { readonly kind: 'truncatedNormal'; readonly std: number; readonly limit: number }
  | { readonly kind: 'uniform'; readonly limit: number };

/**
 * Axes of a parameter in this library and in PyTorch (converted in `weights/`):
 * - `vector`: the same in both (biases, norms; GRN's `[4C]` is `[1, 1, 1, 4C]` in PyTorch)
 * - `linear`: `[in, out]`, PyTorch `[out, in]`
 * - `conv`: `[kh, kw, in, out]`, PyTorch `[out, in, kh, kw]`
 * - `depthwise`: `[kh, kw, C, 1]`, PyTorch `[C, 1, kh, kw]`
 * - `convTranspose`: `[kh, kw, out, in]`, PyTorch `[in, out, kh, kw]`
 */
export type ParameterLayout = 'vector' | 'linear' | 'conv' | 'depthwise' | 'convTranspose';

/** One parameter: its shape in this library's layout and its initializer. */
export interface ParameterSpec<Layout extends ParameterLayout = ParameterLayout> {
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly init: Initializer;
  /** False for running statistics, which are saved and loaded but not optimized. */
  readonly trainable: boolean;
}

/** A tree of specs: records and arrays down to {@link ParameterSpec} leaves. */
export type SpecTree = ParameterSpec | { readonly [key: string]: SpecTree } | readonly SpecTree[];

function isSpec(node: SpecTree): node is ParameterSpec {
  assertObject('specs', 'a tree of specs', node);
  return 'layout' in node && 'init' in node;
}

/** Replaces every leaf of the tree, in a fixed order (that of the keys). Paths join keys and indices with dots. */
export function mapSpecs(
  tree: SpecTree,
  leaf: (path: string, spec: ParameterSpec) => unknown,
): unknown {
  const walk = (node: SpecTree, path: string): unknown => {
    if (isSpec(node)) return leaf(path, node);
    const at = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
    if (Array.isArray(node)) return node.map((child: SpecTree, index) => walk(child, at(index)));
    return Object.fromEntries(
      Object.entries(node as { readonly [key: string]: SpecTree }).map(([key, child]) => [
        key,
        walk(child, at(key)),
      ]),
    );
  };
  return walk(tree, '');
}

/** Lists all parameters of a tree in order. */
export function listSpecs(
  tree: SpecTree,
): readonly (readonly [path: string, spec: ParameterSpec])[] {
  const list: [string, ParameterSpec][] = [];
  mapSpecs(tree, (path, spec) => list.push([path, spec]));
  return list;
}
