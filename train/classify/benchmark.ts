import { countMacs } from '../../backbone/macs.js';
import { adamW } from '../../engine/optimizer/adam-w.js';
import { createFlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import { ParameterStore, numParameters, parameterSize } from '../../engine/parameters/store.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import { createClassifier } from '../../models/classifier.js';
import { rates, timed, type BenchmarkReport, type BenchmarkRequest } from '../benchmark.js';

/** Times inference or training steps of a classifier with random weights on random images. */
export async function benchmarkClassifier(
  engine: Engine,
  request: BenchmarkRequest,
  classes = 1000,
): Promise<BenchmarkReport> {
  const { backbone, batch, sizePx, mode, frozen, repeats } = request;
  const isTraining = mode === 'train';
  const model = createClassifier({ backbone, classes, headInitScale: 1 });
  const buffers = createFlatBuffers(parameterSize(model.specs), { moments: isTraining ? 2 : 0 });
  const store = new ParameterStore(model.specs, buffers.parameters);
  store.initialize(0);
  const program = isTraining
    ? engine.prepare(model.training, store, { gradients: { of: 'loss', into: buffers.gradients } })
    : engine.prepare(model.inference, store, { frozen });
  const inputs = randomInputs(request, classes);
  const runs = [{ offset: 0, size: buffers.size, lrScale: 1, weightDecay: 0.05 }];
  let step = 0;
  const times = await timed(repeats, async () => {
    await program.run(inputs);
    if (isTraining)
      adamW(buffers, runs, { lr: 1e-4, betas: [0.9, 0.999], eps: 1e-8, step: ++step });
  });
  await program.release();
  const { products } = countMacs(backbone, [sizePx, sizePx], classes);
  return {
    ...times,
    ...rates(times, { batch, macs: products * batch * (isTraining ? 3 : 1) }),
    parameters: numParameters(model.specs),
    notes: [],
  };
}

function randomInputs({ batch, sizePx, mode }: BenchmarkRequest, classes: number): HostTensors {
  const data = Float32Array.from({ length: batch * sizePx * sizePx * 3 }, (_, i) => Math.sin(i));
  const image = { shape: [batch, sizePx, sizePx, 3], data };
  if (mode === 'infer') return { image };
  const targets = new Float32Array(batch * classes);
  for (let n = 0; n < batch; n++) targets[n * classes + (n % classes)] = 1;
  return { image, targets: { shape: [batch, classes], data: targets } };
}
