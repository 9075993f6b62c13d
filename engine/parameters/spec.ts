/**
 * How a model says which parameters it has: a tree of specs whose paths are the names of the
 * official checkpoints, e.g. `stages.0.0.pwconv1.weight`.
 */

/** Distribution of the initial values. */
export type Initializer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly std: number }
  /** Normal with standard deviation `std`, redrawn outside ±`limit` (absolute). */
  | { readonly kind: 'truncatedNormal'; readonly std: number; readonly limit: number }
  | { readonly kind: 'uniform'; readonly limit: number };

/**
 * Axes of a parameter in this library, and what PyTorch's axes are (converted in `weights/`):
 * - `vector`: any shape that both sides hold alike (biases, norms; GRN's `[4C]` is `[1, 1, 1, 4C]` there)
 * - `linear`: `[in, out]`, there `[out, in]`
 * - `conv`: `[kh, kw, in, out]`, there `[out, in, kh, kw]`
 * - `depthwise`: `[kh, kw, C, 1]`, there `[C, 1, kh, kw]`
 * - `convTranspose`: `[kh, kw, out, in]`, there `[in, out, kh, kw]`
 */
export type ParameterLayout = 'vector' | 'linear' | 'conv' | 'depthwise' | 'convTranspose';

/** One parameter: its shape in this library's layout and how it starts. */
export interface ParameterSpec<Layout extends ParameterLayout = ParameterLayout> {
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly init: Initializer;
  /** False for running statistics: saved and loaded, but not optimized. */
  readonly trainable: boolean;
}

/** A tree of specs: records and arrays down to {@link ParameterSpec} leaves. */
export type SpecTree = ParameterSpec | { readonly [key: string]: SpecTree } | readonly SpecTree[];

function isSpec(node: SpecTree): node is ParameterSpec {
  return 'layout' in node && 'init' in node;
}

/** The tree with every leaf replaced, in a fixed order (keys as written). Paths join the keys and indices with dots. */
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

/** All parameters of a tree, in order. */
export function listSpecs(
  tree: SpecTree,
): readonly (readonly [path: string, spec: ParameterSpec])[] {
  const list: [string, ParameterSpec][] = [];
  mapSpecs(tree, (path, spec) => list.push([path, spec]));
  return list;
}
