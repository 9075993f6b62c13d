import { exportModel } from '../../inference/export/export-model.js';
import { exportFormat } from '../../inference/export/format.js';
import type { LoadedOf } from '../../inference/model.js';

/** Exports a detector without its preprocessing. @param thresholds of its card */
export function exportRaw(
  { model, store }: Pick<LoadedOf<'detect'>, 'model' | 'store'>,
  thresholds: LoadedOf<'detect'>['card']['thresholds'],
): ReturnType<typeof exportModel> {
  const classNames = Array.from({ length: model.config.numClasses }, (_, k) => `class ${k}`);
  const card = { task: 'detect', thresholds, classNames, limits: { long: 1333, short: 800 } };
  return exportModel({
    loaded: { card, model, store } as unknown as LoadedOf<'detect'>,
    format: exportFormat({ raw: true }),
  });
}
