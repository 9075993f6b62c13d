import { basename } from 'node:path';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { LabelMap, RgbImage } from '../../core/image.js';
import type { SegmentResult } from '../../core/results.js';
import { sampleIndices, SAMPLES, writeSamples } from '../../report/samples.js';
import { savePicture } from '../../report/save-picture.js';
import { drawSegmentation, PANELS } from './drawing.js';

/** Draws the predictions for a few fixed images of a set at every evaluation. */
export class SampleSegmentations {
  /** File → index among the samples. */
  private readonly places: ReadonlyMap<string, number>;

  /** @param folder of the run */
  constructor(
    private readonly set: SegmentationSet,
    private readonly folder: string,
  ) {
    this.places = new Map(
      sampleIndices(set.samples.length).map((index, place) => [set.samples[index].file, place]),
    );
  }

  /** Draws the image if it is one of the samples. */
  async add(
    file: string,
    result: SegmentResult,
    { image, groundTruth }: { readonly image: RgbImage; readonly groundTruth: LabelMap },
  ): Promise<void> {
    const place = this.places.get(file);
    if (place === undefined) return;
    const { width, height } = image;
    const labels = { groundTruth, predictions: { width, height, data: result.labels } };
    const picture = drawSegmentation(image, labels, { classNames: this.set.classes });
    await savePicture(this.folder, fileOf(place), picture);
  }

  /** Lists the pictures for the report. */
  finish(): void {
    writeSamples(this.folder, {
      title: 'Samples',
      note: PANELS,
      size: 'wide',
      items: [...this.places].map(([file, place]) => ({
        file: fileOf(place),
        caption: basename(file),
      })),
    });
  }
}

const fileOf = (place: number): string => `${SAMPLES}/image-${place + 1}.jpg`;
