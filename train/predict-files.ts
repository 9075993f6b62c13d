import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../core/errors.js';
import type { ImageModel } from '../inference/model.js';
import { writeAtomically, writeJsonAtomically } from '../io/files/atomic.js';
import { decodeImage } from '../io/image/decode.js';
import { pngNames } from '../io/png/names.js';
import { shardWork, type Numbered, type ShardedWorkOptions } from './distributed/sharded-work.js';
import type { PresentOptions, RowLists, TextBlock } from './presentation.js';
import { TASKS } from './tasks/index.js';

/** Options of predicting files. */
export interface PredictFilesOptions extends ShardedWorkOptions, PresentOptions {
  /** Called with the text about each image. */
  readonly onText?: ((text: readonly TextBlock[]) => void) | undefined;
}

/**
 * Predicts image files and, with `out`, writes the task's pictures and JSON files.
 *
 * @returns the document of `predict --json`
 * @throws ConfigError, DataError
 */
export async function predictFiles(
  model: ImageModel,
  files: readonly string[],
  options: PredictFilesOptions,
): Promise<object> {
  const { out, score, onText, onNotice } = options;
  const { owns, gather, finish } = shardWork(options);
  const presentation = TASKS[model.task].prediction?.present(model, options);
  if (!presentation)
    throw new InputError(`predict: expected a model that predicts, got ${model.task}`);
  if (out) mkdirSync(out, { recursive: true });
  const names = pngNames(files);
  const own: Record<string, Numbered<object>[]> = Object.fromEntries(
    [...presentation.lists, 'predictions'].map((list) => [list, []]),
  );
  for (const [index, file] of files.entries()) {
    if (!owns(index)) continue;
    const image = await decodeImage(file);
    const { width, height } = image;
    const result = await model.predict(image);
    const predicted = { file, index, image, result };
    own['predictions'].push([index, { file, width, height, ...presentation.fields(result) }]);
    for (const [list, rows] of Object.entries(presentation.rows(predicted)))
      own[list].push(...rows.map((row) => [index, row] as const));
    if (out) {
      const pictures = await presentation.pictures(predicted, names[index]);
      for (const [name, bytes] of Object.entries(pictures))
        await writeAtomically(join(out, name), bytes);
    }
    onText?.(presentation.text(predicted));
  }
  const lists: Record<string, RowLists[string]> = {};
  for (const [list, rows] of Object.entries(own)) lists[list] = await gather(list, rows);
  if (out && (await finish())) {
    for (const [name, content] of Object.entries(presentation.files(lists)))
      await writeJsonAtomically(join(out, name), content);
    onNotice?.(presentation.wrote(files.length, out));
  }
  return {
    model: model.file,
    ...(model.task === 'detect' && { score }),
    predictions: lists['predictions'],
  };
}
