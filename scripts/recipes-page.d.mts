/** The page `docs/recipes.md`. @param load imports a module by its path from the root, without extension */
export function recipesPage(
  load: (path: string) => Promise<Record<string, unknown>>,
): Promise<string>;
