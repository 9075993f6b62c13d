import { shownScores } from '../inference/detect/shown-scores.js';
import type { ImageModel } from '../inference/model.js';
import { presentClasses } from './classify/presentation.js';
import { presentObjects } from './detect/presentation.js';
import type { Presentation, PresentOptions } from './presentation.js';
import { presentPixels } from './segment/presentation.js';

/** Creates the presentation of a model's results. It needs nothing of training, so that `predict` starts quickly. */
export function present(
  model: ImageModel,
  { score, palette }: Pick<PresentOptions, 'score' | 'palette'>,
): Presentation {
  switch (model.task) {
    case 'classify':
      return presentClasses(model);
    case 'detect':
      return presentObjects(model, shownScores(model.card, score));
    case 'segment':
      return presentPixels(model, palette);
  }
}
