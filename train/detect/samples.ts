import { basename } from 'node:path';
import { trainableImages } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import type { RgbImage } from '../../core/image.js';
import type { DetectionSample } from '../../datasets/sample.js';
import type { DetectResult } from '../../core/results.js';
import { USUAL_SCORE } from '../../inference/detect/shown-scores.js';
import { drawnObjects } from '../../report/draw.js';
import { drawDetections } from '../../report/overlay/detections.js';
import { besideEachOther } from '../../report/overlay/panels.js';
import { sampleIndices, SAMPLES, writeSamples } from '../../report/samples.js';
import { savePicture } from '../../report/save-picture.js';
import { drawnGroundTruth } from './drawing.js';

/** Draws the detections in a few fixed images of a set at every evaluation, with annotations if there are any. */
export class SampleDetections {
  /** Image id → index among the samples. */
  private readonly places: ReadonlyMap<number, number>;
  private readonly captions: string[] = [];

  /** @param folder of the run */
  constructor(
    private readonly set: CocoSet,
    private readonly folder: string,
  ) {
    const annotated = trainableImages(set);
    const among = annotated.length > 0 ? annotated : [...set.images.ids.keys()];
    this.places = new Map(
      sampleIndices(among.length).map((index, place) => [set.images.ids[among[index]], place]),
    );
  }

  /** Draws the image if it is one of the samples. */
  async add(sample: DetectionSample, result: DetectResult, image: RgbImage): Promise<void> {
    const place = this.places.get(sample.imageId);
    if (place === undefined) return;
    const { names } = this.set.classes;
    const [groundTruth, shown] = [
      drawnGroundTruth(sample, names),
      drawnObjects(result, USUAL_SCORE),
    ];
    const sides = [groundTruth, shown].map((side) => drawDetections(image, side));
    await savePicture(this.folder, fileOf(place), besideEachOther(sides));
    this.captions[place] =
      `${basename(sample.file)}: ${groundTruth.length} annotated (left), ${shown.length} detected (right)`;
  }

  /** Lists the pictures for the report. */
  finish(): void {
    writeSamples(this.folder, {
      title: 'Samples',
      note: `left the annotations, right the detections from score ${USUAL_SCORE} on`,
      size: 'wide',
      items: this.captions.map((caption, place) => ({ file: fileOf(place), caption })),
    });
  }
}

const fileOf = (place: number): string => `${SAMPLES}/image-${place + 1}.jpg`;
