import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cocoDocument, scoreCoco } from '../../../tools/score/coco.js';
import { needsRealData, REAL_DATA } from '../../helpers/leave-out.js';

const FOLDER = join(REAL_DATA, 'coco-mini');
needsRealData('coco-mini');

/**
 * Results of the COCO API's evaluation (its mask code compiled from the source, NumPy 1.24; that build gives the arrays of the
 * metric fixtures, too) for the results that ship with it, on the images that they are about: `bench/coco_peer.py GT DT TYPE IDS`.
 */
const CASES = [
  {
    split: 'train2017',
    iouType: 'bbox',
    AP: 0.5484812772529544,
    AR100: 0.6008431121413359,
    precision: 'd5a63bc0b57d8a8fb23e87b76ded41386b8b242cf279a842b0bbff9634bbbbc4',
    recall: 'cb8c6bf3572ee79bc0cb4bf038b90728475492266c9a6f27e3a0b188f26818dd',
    scores: '93183b6d62da8e84abb8e808a66b3bd16ee44f00b835e5b18fdc7aa3b1e181d3',
  },
  {
    split: 'train2017',
    iouType: 'segm',
    AP: 0.3628065312608192,
    AR100: 0.41587266344334795,
    precision: '8133e905c9e4e57f891f2f6f8e1b3304efd2979c42bff141ddedd38d7d2a9bbb',
    recall: '3033ceec752fd5aba84180135fa6fc13dfde07688884da88b800e26a5d5a082e',
    scores: '9a64bc0df497ba4a5d2f2e7d2b4cef426fd68cba0a8043e8c389d3d6e6ffc0de',
  },
  {
    split: 'val2017',
    iouType: 'bbox',
    AP: 0.5361986198619861,
    AR100: 0.5622727272727273,
    precision: 'e3f7d874237fdb047432c6417398b743d8060f3f69c9c6140ae696f71399b305',
    recall: '889cdd7812c53e931305fdfc37525dd1d900b0a901a8e6fec53ea1a2405fdb31',
    scores: 'cf5bce30328b2e2a20bc41253c8d1ea3ae2bb6d3e1e9dc832e7fb4e96a932bcc',
  },
  {
    split: 'val2017',
    iouType: 'segm',
    AP: 0.4651890189018902,
    AR100: 0.4990909090909091,
    precision: 'd0afe41aa4461445c13a98e9d20948ececa3f8e2269138afdc7c8d38e7d097a7',
    recall: '82e2773fa81221af38210d2515d829653e43083dca122d5e31883726c8990e6a',
    scores: 'da9d6eafef53deae10a88ed5dcf375d54bd84ae75f7c37a0872630d49463145b',
  },
] as const;

test.each(CASES)(
  'pycocotools gives the same arrays for $iouType of $split',
  async ({ split, iouType, AP, AR100, ...sha256 }) => {
    const dt = join(FOLDER, `results/fake_${iouType}_${split}.json`);
    const found = JSON.parse(readFileSync(dt, 'utf8')) as { readonly image_id: number }[];
    const imageIds = [...new Set(found.map(({ image_id: id }) => id))];
    const options = {
      gt: join(FOLDER, `annotations/instances_${split}.json`),
      dt: [dt],
      parts: [],
      iouType,
      parameters: { imageIds },
      unknownImages: 'refuse',
      errors: false,
    } as const;
    const document = cocoDocument(await scoreCoco(options), options);
    expect(document).toMatchObject({ sha256, warnings: [] });
    const { metrics } = document as { readonly metrics: Readonly<Record<string, number>> };
    expect(Math.abs(metrics['AP'] - AP)).toBeLessThan(1e-12);
    expect(Math.abs(metrics['AR100'] - AR100)).toBeLessThan(1e-12);
  },
);
