/** Pairs of name templates, e.g. `['stages.{s}.{b}.dwconv.{p}', 'stages.{s}.blocks.{b}.conv_dw.{p}']`. */
export type NamePairs = readonly (readonly [official: string, other: string])[];

/** Renames in one direction; returns undefined if the name is not in the table. */
type Rename = (name: string) => string | undefined;

/** Placeholders are numbers, except `{p}`: the last component, `weight` or `bias`. */
const PLACEHOLDER = /\{(\w+)\}/g;

/** Creates both directions of a table. The first matching template is used. */
export function renamesOf(pairs: NamePairs): { readonly from: Rename; readonly to: Rename } {
  const direction = (rules: readonly (readonly [string, string])[]): Rename => {
    const compiled = rules.map(([pattern, template]) => [toRegExp(pattern), template] as const);
    return (name) => {
      for (const [pattern, template] of compiled) {
        const groups = pattern.exec(name)?.groups;
        if (groups) return template.replace(PLACEHOLDER, (_, key: string) => groups[key]);
      }
      return undefined;
    };
  };
  return { to: direction(pairs), from: direction(pairs.map(([a, b]) => [b, a])) };
}

function toRegExp(template: string): RegExp {
  const source = template
    .replace(/\./g, '\\.')
    .replace(PLACEHOLDER, (_, key: string) =>
      key === 'p' ? '(?<p>weight|bias)' : `(?<${key}>\\d+)`,
    );
  // An empty alternative group, so that `groups` is defined for templates without placeholders.
  return new RegExp(`^(?<none>)${source}$`);
}
