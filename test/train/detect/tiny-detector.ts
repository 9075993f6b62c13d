import { createDenseBackbone } from '../../../backbone/output-norms.js';
import { identityGrid, type MaskSource } from '../../../core/mask-targets.js';
import { Random } from '../../../core/random.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import type { DetectorConfig } from '../../../models/detection/config.js';
import { createDetector, type Detector } from '../../../models/detector.js';
import { MASK_RCNN } from '../../../models/mask-rcnn.js';
import type { DetectionBatch, DetectionInput } from '../../../train/pipelines/detect.js';

/** A detector that runs in milliseconds, with the structure of the real one. */
export const TINY_CONFIG: DetectorConfig = {
  ...MASK_RCNN,
  numClasses: 3,
  channels: 8,
  stages: MASK_RCNN.stages.map((stage) => ({
    ...stage,
    layers: { ...stage.layers, fcChannels: 8 },
    sampler: { numSamples: 64, positiveFraction: 0.25 },
  })),
  masks: { roiSize: 4, numConvs: 2 },
};

export function tinyDetector(config: DetectorConfig = TINY_CONFIG): Detector {
  const backbone = { depths: [1, 1, 2, 1], dims: [4, 4, 8, 8], responseNorm: 'grn' } as const;
  return createDetector(createDenseBackbone(backbone), config);
}

/** Parameters large enough that every path of the network matters. */
export function tinyStore(model: Detector, values?: Float32Array): ParameterStore {
  const store = new ParameterStore(model.specs, values);
  const random = new Random(5);
  for (const { path } of store.entries) {
    const isScale = /running_var|norm.*weight|bn\.weight/.test(path);
    const parameter = store.get(path);
    parameter.forEach(
      (_, i) => (parameter[i] = isScale ? random.between(0.5, 1.5) : random.between(-0.2, 0.2)),
    );
  }
  return store;
}

/** An image with rectangles as objects; boxes `[x1, y1, x2, y2]`. */
export function inputOf(
  boxes: readonly (readonly number[])[],
  size: { readonly width: number; readonly height: number } = { width: 96, height: 64 },
): DetectionInput {
  return {
    index: 0,
    imageId: 17,
    file: 'image.png',
    ...size,
    objects: {
      boxes: Float32Array.from(boxes.flat()),
      classIndices: Int32Array.from(boxes, (_, m) => m % 3),
      segmentations: boxes.map(
        ([x1, y1, x2, y2]): MaskSource & { kind: 'polygons'; polygons: Float64Array[] } => ({
          kind: 'polygons',
          polygons: [Float64Array.of(x1, y1, x2, y1, x2, y2, x1, y2)],
        }),
      ),
      ids: Float64Array.from(boxes, (_, m) => 100 + m),
    },
    grid: identityGrid(size),
  };
}

/** A batch of such images on noise. */
export function batchOf(inputs: readonly DetectionInput[], seed = 1): DetectionBatch {
  const random = new Random(seed);
  const shape = [inputs.length, 64, 96, 3] as const;
  const images = Float32Array.from({ length: inputs.length * 64 * 96 * 3 }, () =>
    random.between(-1, 1),
  );
  return { images, shape, inputs };
}
