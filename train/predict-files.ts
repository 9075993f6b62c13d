import { join } from 'node:path';
import { oneLine } from '../core/controls.js';
import { ImageError } from '../core/errors.js';
import type { ImageModel } from '../inference/model.js';
import { assertApart } from '../io/files/apart.js';
import { makeFolder, writeAtomically, writeTextAtomically } from '../io/files/atomic.js';
import { writeJsonRowsAtomically, type JsonRows } from '../io/files/json-stream.js';
import type { RowSpool } from '../io/files/row-spool.js';
import { pngNames } from '../io/png/names.js';
import { shardWork, type ShardedWorkOptions } from './distributed/sharded-work.js';
import { predictedOrFailed, type FailedImage } from './predict-file.js';
import { present, type PresentFilesOptions } from './present.js';
import type { TextBlock } from './presentation.js';

/** Options of predicting files. */
export interface PredictFilesOptions extends ShardedWorkOptions, PresentFilesOptions {
  /** Called with the text about each image. */
  readonly onText?: ((text: readonly TextBlock[]) => void) | undefined;
  /** Called at the end with the document of `predict --json`, whose lists are {@link JsonRows}, to be read before it ends. */
  readonly onDocument?: ((document: object) => Promise<void>) | undefined;
}

/** Outcome of predicting files. */
export interface PredictedFiles {
  readonly numImages: number;
  /** Images that could not be read. */
  readonly failed: readonly FailedImage[];
}

/**
 * Predicts image files and, with `out`, writes the task's pictures and JSON files. An image that cannot be read is listed,
 * and the others are predicted. Rows are on disk as soon as an image is done (`*.partial.jsonl` in `out`), and become the
 * JSON files at the end.
 *
 * @throws ConfigError if an output is one of the images; DataError if none of them can be read
 */
export async function predictFiles(
  model: ImageModel,
  files: readonly string[],
  options: PredictFilesOptions,
): Promise<PredictedFiles> {
  const { out, onText, onNotice, onDocument } = options;
  const { owns, gather, finish, spool } = shardWork(options);
  const presentation = await present(model, options);
  const names = pngNames(files);
  if (out !== undefined) {
    const outputs = presentation.outputs(names).map((name) => join(out, name));
    assertApart(`--out ${out}`, outputs, files);
    makeFolder(out);
  }
  const lists = [...presentation.lists, 'predictions'];
  const isKept = out !== undefined || onDocument !== undefined;
  const own = new Map<string, RowSpool<object>>();
  try {
    for (const list of isKept ? [...lists, 'failed'] : ['failed']) own.set(list, spool(list));
    for (const [index, file] of files.entries()) {
      if (!owns(index)) continue;
      const read = await predictedOrFailed(model, file);
      if ('message' in read) {
        onNotice?.(`not predicted: ${oneLine(read.message)}`);
        own.get('failed')?.add(index, [read]);
        continue;
      }
      const predicted = { file, index, ...read };
      const { width, height } = read.result;
      const fields = presentation.fields(read.result);
      own.get('predictions')?.add(index, [{ file, width, height, ...fields }]);
      for (const [list, rows] of Object.entries(presentation.rows(predicted)))
        own.get(list)?.add(index, rows);
      if (out !== undefined) {
        const pictures = await presentation.pictures(predicted, names[index]);
        for (const [name, bytes] of Object.entries(pictures))
          await writeAtomically(join(out, name), bytes);
      }
      onText?.(presentation.text(predicted));
    }
    const failed: FailedImage[] = [];
    for await (const row of await gather('failed', own.get('failed')!))
      failed.push(row as FailedImage);
    if (files.length > 0 && failed.length === files.length) throw noneRead(failed);
    const numImages = files.length - failed.length;
    const rowsOf = async (names: readonly string[]): Promise<Record<string, JsonRows>> => {
      const all: Record<string, JsonRows> = {};
      for (const list of names) all[list] = await gather(list, own.get(list)!);
      return all;
    };
    if (out !== undefined) {
      const rows = await rowsOf(lists);
      if (await finish()) {
        for (const [name, content] of Object.entries(presentation.files(rows)))
          await writeJsonRowsAtomically(join(out, name), content);
        for (const [name, pieces] of Object.entries(presentation.texts?.(rows) ?? {}))
          await writeTextAtomically(join(out, name), pieces);
        onNotice?.(presentation.wrote(numImages, out));
      }
    }
    await onDocument?.({
      model: model.file,
      ...presentation.common,
      ...(await rowsOf(['predictions'])),
      ...(failed.length > 0 && { failed }),
    });
    own.forEach((rows) => rows.remove());
    return { numImages, failed };
  } catch (error) {
    // Other than in temporary files, what is done so far stays.
    own.forEach((rows) => (out === undefined ? rows.remove() : rows.close()));
    throw error;
  }
}

function noneRead(failed: readonly FailedImage[]): ImageError {
  const [{ file, message }] = failed;
  return new ImageError(
    failed.length === 1
      ? message
      : `predict: expected images, got none of ${failed.length} that can be read; the first: ${message}`,
    { file },
  );
}
