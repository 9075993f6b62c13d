import { OptionError } from '../core/errors.js';
import { describeScores, shownScores } from '../inference/detect/shown-scores.js';
import type { ImageModel } from '../inference/model.js';
import type { LabelFormat } from './label-files.js';
import type { Presentation, PresentOptions } from './presentation.js';

/** Options of {@link present}. */
export interface PresentFilesOptions extends PresentOptions {
  /** Format of a labeling tool to write, too; only with `out`. */
  readonly format?: LabelFormat | undefined;
  /** Folder of the files. */
  readonly out?: string | undefined;
}

/**
 * Creates the presentation of a model's results. It loads that of the task alone, and nothing of training, so that `predict`
 * starts quickly.
 *
 * @throws ConfigError for a format without a folder
 */
export async function present(
  model: ImageModel,
  { out, format, ...options }: PresentFilesOptions,
): Promise<Presentation> {
  const presentation = await presentationOf(model, options);
  if (format === undefined) return presentation;
  if (out === undefined) throw new OptionError(`--format ${format}: expected --out DIR with it`);
  const { withLabelFiles } = await import('./label-files.js');
  return withLabelFiles(presentation, model, { format, score: options.score, out });
}

async function presentationOf(
  model: ImageModel,
  { score, palette, onNotice }: PresentOptions,
): Promise<Presentation> {
  switch (model.task) {
    case 'classify': {
      const { presentClasses } = await import('./classify/presentation.js');
      return presentClasses(model);
    }
    case 'detect': {
      const { presentObjects } = await import('./detect/presentation.js');
      const scores = shownScores(model.card, score);
      const line = describeScores(scores, model.classNames);
      if (line !== undefined) onNotice?.(line);
      return presentObjects(model, scores);
    }
    case 'segment': {
      const { presentPixels } = await import('./segment/presentation.js');
      return presentPixels(model, palette);
    }
    default:
      return model satisfies never;
  }
}
