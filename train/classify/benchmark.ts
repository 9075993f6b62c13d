import { countMacs } from '../../backbone/macs.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { createClassifier } from '../../models/classifier.js';
import {
  benchmarkReport,
  timed,
  trainedParameters,
  type BenchmarkReport,
  type BenchmarkRequest,
} from '../benchmark.js';

/** Times inference or training steps of a classifier with random weights on random images. */
export async function benchmarkClassifier(
  engine: Engine,
  request: BenchmarkRequest,
  classes = 1000,
): Promise<BenchmarkReport> {
  const { backbone, batch, sizePx, mode, frozen, repeats } = request;
  const isTraining = mode === 'train';
  const model = createClassifier({ backbone, classes, headInitScale: 1 });
  const { buffers, store, update } = trainedParameters(model.specs, isTraining);
  store.initialize(0);
  const program = isTraining
    ? engine.prepare(model.training, store, { gradients: { of: 'loss', into: buffers.gradients } })
    : engine.prepare(model.inference, store, { frozen });
  const { image, targets } = classifierInputs(batch, sizePx, classes);
  const inputs: HostTensors = isTraining ? { image, targets } : { image };
  const times = await timed(repeats, async () => {
    await program.run(inputs);
    if (isTraining) update(1e-4);
  });
  await program.release();
  const { products } = countMacs(backbone, [sizePx, sizePx], classes);
  return {
    ...benchmarkReport(times, model.specs, {
      batch,
      macs: products * batch * (isTraining ? 3 : 1),
    }),
    notes: [],
  };
}

/** Images of waves `[batch, sizePx, sizePx, 3]`, and targets `[batch, classes]` of the classes in turn. */
export function classifierInputs(
  batch: number,
  sizePx: number,
  classes: number,
): { readonly image: HostTensor; readonly targets: HostTensor } {
  const data = Float32Array.from({ length: batch * sizePx * sizePx * 3 }, (_, i) => Math.sin(i));
  const targets = new Float32Array(batch * classes);
  for (let n = 0; n < batch; n++) targets[n * classes + (n % classes)] = 1;
  return {
    image: { shape: [batch, sizePx, sizePx, 3], data },
    targets: { shape: [batch, classes], data: targets },
  };
}
