import { createDenseBackbone } from '../../backbone/output-norms.js';
import { Random } from '../../core/random.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { createSegmenterPredictor } from '../../inference/segment/predictor.js';
import { type SegmenterInput } from '../../inference/segment/preprocess.js';
import { createUperNet, UPERNET, type UperNetConfig } from '../../models/upernet.js';
import { upernetMacs } from '../../models/upernet-macs.js';
import {
  benchmarkReport,
  timed,
  trainedParameters,
  type BenchmarkReport,
  type BenchmarkRequest,
} from '../benchmark.js';
import { SINGLE_PROCESS } from '../distributed/communicator.js';
import { createSegmenterTrainer } from './trainer.js';

/** Times a UPerNet with random weights on random images; by default with 512 channels and 150 classes. */
export function benchmarkSegmenter(
  engine: Engine,
  request: BenchmarkRequest,
  head: UperNetConfig = UPERNET,
): Promise<BenchmarkReport> {
  return request.mode === 'infer'
    ? inference(engine, request, head)
    : training(engine, request, head);
}

/** Times UPerNet with random weights from normalized image to the class of every pixel. */
async function inference(
  engine: Engine,
  { backbone, sizePx, batch, repeats, frozen }: BenchmarkRequest,
  head: UperNetConfig,
): Promise<BenchmarkReport> {
  const model = createUperNet(createDenseBackbone(backbone), head);
  const store = new ParameterStore(model.specs);
  store.initialize(0);
  const predictor = createSegmenterPredictor({ engine, model, store, frozen });
  const size = { width: sizePx, height: sizePx };
  const input: SegmenterInput = { ...size, data: noise(sizePx * sizePx * 3) };
  const times = await timed(repeats, async () => {
    for (let i = 0; i < batch; i++) await predictor.segment([input], size);
  });
  await predictor.release();
  const macs = batch * upernetMacs(backbone, head, [sizePx, sizePx]);
  return {
    ...benchmarkReport(times, model.specs, { batch, macs }),
    notes: ['from the normalized image to the class of every pixel'],
  };
}

/** Times training steps: dropout as in the recipes, forward, backward, running statistics, AdamW. */
async function training(
  engine: Engine,
  { backbone, sizePx, batch, repeats }: BenchmarkRequest,
  head: UperNetConfig,
): Promise<BenchmarkReport> {
  const model = createUperNet(createDenseBackbone(backbone), head);
  const { buffers, store, update } = trainedParameters(model.specs);
  store.initialize(0);
  const task = createSegmenterTrainer({
    engine,
    model,
    buffers,
    dropPathRate: 0,
    dropoutRate: 0.1,
    batchNormMomentum: 0.1,
    accumulation: 1,
    seed: 0,
    communicator: SINGLE_PROCESS,
    samples: [],
  });
  const random = new Random(0);
  const value = {
    images: noise(batch * sizePx * sizePx * 3),
    shape: [batch, sizePx, sizePx, 3] as const,
    labels: Array.from({ length: batch }, () => ({
      width: sizePx,
      height: sizePx,
      data: Uint8Array.from({ length: sizePx * sizePx }, () => random.integer(head.numClasses)),
    })),
    indices: new Int32Array(batch),
  };
  let step = 0;
  const times = await timed(repeats, async () => {
    await task.backward({ value, release: () => undefined }, { step: step++, micro: 0 });
    update(1e-4);
  });
  await task.release();
  const macs = 3 * batch * upernetMacs(backbone, head, [sizePx, sizePx], true);
  return {
    ...benchmarkReport(times, model.specs, { batch, macs }),
    notes: ['dropout, forward, backward, running statistics, AdamW'],
  };
}

function noise(length: number): Float32Array {
  const random = new Random(1);
  return Float32Array.from({ length }, () => random.normal());
}
