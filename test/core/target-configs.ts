import { BOX_HEAD_CODER, RPN_CODER } from '../../core/box-coder.js';
import { ROI_MATCHER, RPN_MATCHER } from '../../core/matcher.js';
import { ROI_SAMPLER, RPN_SAMPLER } from '../../core/sampler.js';

/** Box head targets of Mask R-CNN on COCO. */
export const ROI_TARGETS = {
  matcher: ROI_MATCHER,
  sampler: ROI_SAMPLER,
  coder: BOX_HEAD_CODER,
  numClasses: 80,
};

/** RPN targets of Mask R-CNN and Cascade R-CNN. */
export const RPN_TARGETS = { matcher: RPN_MATCHER, sampler: RPN_SAMPLER, coder: RPN_CODER };
