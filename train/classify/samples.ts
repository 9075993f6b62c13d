import { basename } from 'node:path';
import { imageOf } from '../../datasets/sample.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { Classification } from '../../inference/model.js';
import { withLegend } from '../../report/draw.js';
import type { Rgb } from '../../report/overlay/picture.js';
import { drawableName } from '../../report/overlay/text.js';
import { sampleIndices, SAMPLES, writeSamples } from '../../report/samples.js';
import { savePicture } from '../../report/save-picture.js';

/** Number of classes written below an image. */
const MOST_CLASSES = 3;
const RIGHT: Rgb = [46, 160, 67];
const WRONG: Rgb = [160, 160, 160];

/** Draws the predictions for a few fixed images of a set at every evaluation. */
export class SampleClassifications {
  /** Index of an image → index among the samples. */
  private readonly places: ReadonlyMap<number, number>;
  private readonly predictions = new Map<number, Classification>();

  /** @param folder of the run */
  constructor(
    private readonly set: ClassificationSet,
    private readonly folder: string,
  ) {
    this.places = new Map(sampleIndices(set.samples.length).map((index, place) => [index, place]));
  }

  /** Stores the prediction for an image of the set if it is one of the samples. @param index of the image */
  take(index: number, prediction: Classification): void {
    if (this.places.has(index)) this.predictions.set(index, prediction);
  }

  /** Draws the samples and lists the pictures for the report. */
  async finish(): Promise<void> {
    const { set, folder } = this;
    const items: { file: string; caption: string }[] = [];
    for (const [index, place] of this.places) {
      const prediction = this.predictions.get(index);
      if (!prediction) continue;
      const sample = set.samples[index];
      const { file, classIndex } = sample;
      const shown = prediction.classes(MOST_CLASSES).map((top) => ({
        color: top.classIndex === classIndex ? RIGHT : WRONG,
        text: `${drawableName(top.name, top.classIndex)} ${(100 * top.probability).toFixed(0)}%`,
      }));
      const picture = withLegend(await imageOf(sample), shown);
      items.push({
        file: await savePicture(folder, `${SAMPLES}/image-${place + 1}.jpg`, picture),
        caption: `${basename(file)}: ${set.classes[classIndex].name}; predicted ${shown[0].text}`,
      });
    }
    this.predictions.clear();
    writeSamples(folder, {
      title: 'Samples',
      note: 'below an image what the model takes it for; green is right',
      size: 'small',
      items,
    });
  }
}
