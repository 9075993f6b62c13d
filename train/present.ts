import { shownScores } from '../inference/detect/shown-scores.js';
import type { ImageModel } from '../inference/model.js';
import type { Presentation, PresentOptions } from './presentation.js';

/** Creates the presentation of a model's results. It loads that of the task alone, and nothing of training, so that `predict` starts quickly. */
export async function present(
  model: ImageModel,
  { score, palette }: Pick<PresentOptions, 'score' | 'palette'>,
): Promise<Presentation> {
  switch (model.task) {
    case 'classify': {
      const { presentClasses } = await import('./classify/presentation.js');
      return presentClasses(model);
    }
    case 'detect': {
      const { presentObjects } = await import('./detect/presentation.js');
      return presentObjects(model, shownScores(model.card, score));
    }
    case 'segment': {
      const { presentPixels } = await import('./segment/presentation.js');
      return presentPixels(model, palette);
    }
  }
}
