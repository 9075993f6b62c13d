import { beforeAll, expect, test } from 'vitest';
import { OptionError } from '../../core/errors.js';
import { load, open } from '../../inference/open.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { saveSmallModels, type SmallModels } from '../serve/small-models.js';

const { folder } = temporaryFolder();
let runs: SmallModels;
beforeAll(async () => {
  runs = await saveSmallModels(folder);
});

test.each(['classify', 'detect', 'segment'] as const)(
  '%s: options that the card of a run holds are refused',
  async (task) => {
    const model = await open(runs[task], { size: undefined, classes: undefined });
    await model.release();
    for (const options of [{ size: 320 }, { classes: ['x', 'y', 'z'] }]) {
      const [name] = Object.keys(options);
      const error: unknown = await open(runs[task], options).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OptionError);
      expect((error as Error).message).toMatch(
        new RegExp(`^${name}: expected a weight file without model card, got .*step-1`),
      );
      // A command has one list of options for several models.
      const notices: string[] = [];
      const onNotice = (line: string): number => notices.push(line);
      const { card } = await load(runs[task], { ...options, onNotice });
      expect(card).toEqual(model.card);
      expect(notices).toEqual([expect.stringMatching(new RegExp(`^warning: ${name}: expected`))]);
    }
  },
);
