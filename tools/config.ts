import type { Command } from 'commander';
import { collected } from './engine-options.js';
import { formatTable, print as printText, printJson, type JsonFlag } from './output.js';

interface PrintFlags extends JsonFlag {
  readonly config?: string;
  readonly model?: string;
  readonly set: readonly string[];
}

/** `convnextv2 config list|print` */
export function defineConfig(config: Command): void {
  config
    .command('list')
    .description('all recipes')
    .option('--json', 'print one JSON document')
    .action(list);
  config
    .command('print')
    .description('a recipe with files and settings merged, as YAML that train reads')
    .argument('<recipe>', 'name of a recipe, a configuration file, or a run folder')
    .option('--config <file>', 'YAML or JSON with settings over those of the recipe')
    .option('--model <size>', 'atto … huge, instead of the size of the recipe')
    .option('--set <path=value>', 'change a setting', collected, [])
    .option('--json', 'print one JSON document, with the source of every value')
    .action(print);
}

async function list({ json }: JsonFlag): Promise<void> {
  const { summarizeRecipes } = await import('../train/config/summary.js');
  const recipes = summarizeRecipes();
  if (json) printJson({ recipes });
  else
    printText(
      formatTable([
        ['recipe', 'task', 'model', 'input', 'images per step', 'length', 'rate'],
        ...recipes.map(({ name, task, model, inputPx, imagesPerStep, length, lr }) => {
          return [name, task, model, inputPx, imagesPerStep, length, String(lr)];
        }),
      ]),
    );
}

async function print(name: string, flags: PrintFlags): Promise<void> {
  const { resolveConfig } = await import('../train/config/resolve.js');
  const { variant } = await import('../backbone/variants.js');
  const resolved = resolveConfig(name, {
    file: flags.config,
    asked: flags.model === undefined ? undefined : variant(flags.model),
    set: flags.set,
  });
  if (flags.json) printJson(resolved);
  else {
    const { configYaml } = await import('../train/config/yaml.js');
    printText(configYaml(resolved).trimEnd());
  }
}
