// Writes docs/recipes.md from the tables of train/recipes/: values by recipe, and the sources that their comments name.
// node scripts/recipes-page.mjs    (after a build)
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCES = new URL('../train/recipes/', import.meta.url);

/** Comment and name of every exported constant of a source file. */
function constantsOf(text) {
  const commented = (what) =>
    [
      ...text.matchAll(
        new RegExp(String.raw`^/\*\*\n((?: \*.*\n)+?) \*/\n(?:export )?${what} (\w+)`, 'gm'),
      ),
    ].map(([, comment, name]) => ({ name, text: comment.replaceAll(/^ \* ?/gm, '').trim() }));
  // Recipes that a function makes for every size have their comment there.
  const makers = commented('function').filter(({ text: comment }) => comment.includes('Numbers:'));
  const made = [...text.matchAll(/^\/\*\* .* \*\/\nexport const (\w+)/gm)].map(([, name]) => ({
    name,
    text: makers[0]?.text ?? '',
  }));
  return [
    ...commented('const').filter(({ text: t }) => t !== ''),
    ...made.filter(({ text: t }) => t !== ''),
  ];
}

/** The comment as Markdown: paragraphs, commands, links. */
function markdownOf(comment) {
  return comment
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll(/^ {4}(convnextv2 .*(?:\n {4,}.*)*)/gm, (_, command) => {
      const lines = command.split('\n').map((line, i) => (i === 0 ? line : `  ${line.trim()}`));
      return `\`\`\`sh\nnpx ${lines.join('\n')}\n\`\`\``;
    })
    .replaceAll(/^@see (.*)$/gm, (_, where) => `Source: ${where.replace(/(https:\S+)/, '<$1>')}`)
    .replaceAll(/^(Source: .*)\n(?=Source: )/gm, '$1\n\n');
}

const HEAD = ['recipe', 'model', 'input px', 'images per update', 'length', 'learning rate'];

/**
 * The page.
 *
 * @param load imports a module by its path from the root, without extension
 */
export async function recipesPage(load) {
  const { RECIPES } = await load('train/recipes/index');
  const { summarizeRecipes } = await load('train/config/summary');
  const rows = new Map(summarizeRecipes().map((row) => [row.name, row]));
  const nameOf = new Map(Object.entries(RECIPES).map(([name, value]) => [value, name]));
  const groups = [];
  for (const file of readdirSync(SOURCES).filter((name) => !/^(index|own-data)/.test(name))) {
    const constants = constantsOf(readFileSync(new URL(file, SOURCES), 'utf8'));
    const module = await load(`train/recipes/${file.replace(/\.ts$/, '')}`);
    for (const { name, text } of constants) {
      const value = module[name];
      const own = nameOf.get(value);
      const names = own ? [own] : Object.values(value ?? {}).flatMap((v) => nameOf.get(v) ?? []);
      if (names.length > 0) groups.push({ names, text, file });
    }
  }
  const order = [...rows.keys()];
  groups.sort((a, b) => order.indexOf(a.names[0]) - order.indexOf(b.names[0]));
  const sections = groups.map(({ names, text, file }) => {
    const table = names.map((name) => {
      const { model, inputPx, imagesPerStep, length, lr } = rows.get(name);
      return [`\`${name}\``, model, inputPx, imagesPerStep, length, lr];
    });
    const lines = [HEAD, HEAD.map(() => '---'), ...table].map(
      (cells) => `| ${cells.join(' | ')} |`,
    );
    const title = names.length === 1 ? names[0] : `${names[0]} … ${names.at(-1)}`;
    const source = `All values: [\`train/recipes/${file}\`](../train/recipes/${file})`;
    return [`## ${title}`, markdownOf(text), lines.join('\n'), source].join('\n\n');
  });
  const missing = order.filter((name) => !groups.some(({ names }) => names.includes(name)));
  if (missing.length > 0) throw new Error(`recipes without a comment: ${missing.join(', ')}`);
  return [
    '# Recipes',
    'Every recipe with its main values, where its numbers are from, and what it is known to reach; written by ' +
      '`node scripts/recipes-page.mjs` from the tables and comments of `train/recipes/`. `convnextv2 config print RECIPE` shows all ' +
      'values. "The paper" is [ConvNeXt V2](https://arxiv.org/abs/2301.00808).',
    ...sections,
  ]
    .join('\n\n')
    .concat('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = new URL('../dist/', import.meta.url);
  const page = await recipesPage((path) => import(new URL(`${path}.js`, dist).href));
  writeFileSync(new URL('../docs/recipes.md', import.meta.url), page);
  console.log(`docs/recipes.md: ${page.split('\n').length} lines`);
}
