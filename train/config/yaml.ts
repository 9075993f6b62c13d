import { isMap, isPair, isScalar, visit, Document } from 'yaml';
import type { ResolvedConfig } from './resolve.js';

/**
 * Formats a configuration as YAML, for `--config` or instead of a recipe. Values that differ from the recipe have their
 * source as a comment.
 */
export function configYaml({ recipe, config, sources }: ResolvedConfig): string {
  const document = new Document({ extends: recipe, ...config });
  visit(document, {
    Seq: (_, node) => {
      node.flow = true;
    },
    Pair: (_, pair, ancestors) => {
      if (isMap(pair.value)) return;
      const keys = [...ancestors.filter(isPair), pair].map(({ key }) =>
        String(isScalar(key) ? key.value : key),
      );
      const source = sources[keys.join('.')];
      if (source === undefined || source === `recipe ${recipe}`) return;
      if (pair.value !== null && typeof pair.value === 'object') {
        (pair.value as { comment?: string }).comment = ` ${source}`;
      }
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
