import { basename } from 'node:path';
import { imageOf } from '../../datasets/sample.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { topClasses } from '../../inference/classify/top-classes.js';
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
  private readonly logits = new Map<number, Float32Array>();

  /** @param folder of the run */
  constructor(
    private readonly set: ClassificationSet,
    private readonly folder: string,
  ) {
    this.places = new Map(sampleIndices(set.samples.length).map((index, place) => [index, place]));
  }

  /**
   * Stores the predictions for those samples that are in a batch.
   *
   * @param indices of the images, `[N]`
   * @param logits `[N, K]`
   */
  take(indices: ArrayLike<number>, logits: Float32Array): void {
    const numClasses = this.set.classes.length;
    for (let n = 0; n < indices.length; n++)
      if (this.places.has(indices[n]))
        this.logits.set(indices[n], logits.slice(n * numClasses, (n + 1) * numClasses));
  }

  /** Draws the samples and lists the pictures for the report. */
  async finish(): Promise<void> {
    const { set, folder } = this;
    const items: { file: string; caption: string }[] = [];
    for (const [index, place] of this.places) {
      const logits = this.logits.get(index);
      if (!logits) continue;
      const sample = set.samples[index];
      const { file, classIndex } = sample;
      const names = set.classes.map(({ name }) => name);
      const shown = topClasses(logits, names, MOST_CLASSES).map((top) => ({
        color: top.classIndex === classIndex ? RIGHT : WRONG,
        text: `${drawableName(top.name, top.classIndex)} ${(100 * top.probability).toFixed(0)}%`,
      }));
      const picture = withLegend(await imageOf(sample), shown);
      items.push({
        file: await savePicture(folder, `${SAMPLES}/image-${place + 1}.jpg`, picture),
        caption: `${basename(file)}: ${set.classes[classIndex].name}; predicted ${shown[0].text}`,
      });
    }
    this.logits.clear();
    writeSamples(folder, {
      title: 'Samples',
      note: 'below an image what the model takes it for; green is right',
      size: 'small',
      items,
    });
  }
}
