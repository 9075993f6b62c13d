import { levelSizes, pyramidAnchors, usableAnchors } from '../../core/anchors.js';
import type { Boxes, Size } from '../../core/boxes.js';
import { outsideRegions, type IgnoredRegions } from '../../core/ignored-regions.js';
import { rpnTargets, type RpnTargets } from '../../core/matcher-rpn.js';
import type { Random } from '../../core/random.js';
import type { RpnConfig } from '../../models/detection/config.js';

/** Seed of random sampling; `inOrder` takes the first candidates instead, for comparisons. */
export type Draw = ((image: number) => Random) | 'inOrder';

/** Data of an image for the RPN's targets. */
export interface RpnImage extends Size {
  /** `[M, 4]`, ground truth. */
  readonly boxes: Boxes;
  /** Anchors in them are neither positive nor negative. */
  readonly ignored?: IgnoredRegions | undefined;
}

/** Options of the RPN's targets. */
export type RpnTargetRule = Pick<
  RpnConfig,
  'anchors' | 'allowedBorderPx' | 'matcher' | 'sampler' | 'coder'
>;

/**
 * Computes the targets of the RPN in the loader's workers; they depend only on anchors and ground truths. Caches the
 * anchors of the last size.
 */
export class RpnTargetMaker {
  private anchors: { readonly key: string; readonly boxes: Boxes } | undefined;

  /** @param divisor images are padded to multiples of this, in pixels */
  constructor(
    private readonly rule: RpnTargetRule,
    private readonly divisor: number,
  ) {}

  /** All anchors of a batch of this padded size. */
  anchorsOf(canvas: Size): Boxes {
    const key = `${canvas.width}x${canvas.height}`;
    if (this.anchors?.key !== key) {
      const { anchors } = this.rule;
      const boxes = pyramidAnchors(levelSizes(canvas, anchors.strides), anchors);
      this.anchors = { key, boxes };
    }
    return this.anchors.boxes;
  }

  /** Computes the targets of every image of a batch. @param canvas size of the batch with padding */
  targetsOf(images: readonly RpnImage[], canvas: Size, draw: Draw): readonly RpnTargets[] {
    const { rule, divisor } = this;
    const anchors = this.anchorsOf(canvas);
    const sizes = levelSizes(canvas, rule.anchors.strides);
    const padTo = (px: number): number => Math.ceil(px / divisor) * divisor;
    return images.map((image, n) => {
      const usable = usableAnchors(anchors, sizes, rule.anchors, {
        padded: { width: padTo(image.width), height: padTo(image.height) },
        image,
        allowedBorderPx: rule.allowedBorderPx,
      });
      const include = outsideRegions(anchors, image.ignored, usable) ?? usable;
      return rpnTargets(anchors, include, image.boxes, rule, draw === 'inOrder' ? draw : draw(n));
    });
  }
}
