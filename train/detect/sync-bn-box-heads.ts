import type { Executable, HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { gradientName } from '../../engine/runtime/program.js';
import { BATCH_NORM_EPS } from '../../heads/conv-norm.js';
import { boxConv, boxConvGradients } from '../../models/detection/box-programs.js';
import type { BatchNorm } from '../distributed/batch-norm.js';
import { batchNorms, normalizeBackward, normalizeInto } from '../distributed/batch-norm.js';
import type { Moments } from '../distributed/moments.js';
import { prepareTraining, type StepContext } from './parts.js';

/** Result of a box head's training. */
interface BoxHeadResult {
  /** Outputs of the stage's `training`, with `grad:features`; overwritten by the next run of any stage. */
  readonly outputs: HostTensors;
  /** Statistics of its batch norms over all processes. */
  readonly moments: readonly Moments[];
}

/**
 * Box heads with convolutions and SyncBN over the RoIs of all processes. A compiled graph cannot communicate with other
 * processes while it runs, so the head is cut at the norms, which are computed here; one session computes the
 * convolutions of all stages. Owns sessions; calls must not overlap.
 */
export class SyncBnBoxHeads {
  private readonly conv: Executable;
  private readonly convGradients: Executable;
  /** Programs of every stage. */
  private readonly afterConvs: readonly Executable[];
  /** Reusable arrays by purpose. */
  private readonly arrays = new Map<string, Float32Array>();

  constructor(private readonly context: StepContext) {
    const { engine, model, store, gradients } = context;
    this.conv = engine.prepare(boxConv(), store);
    this.convGradients = engine.prepare(boxConvGradients(), store, {
      gradients: {
        of: 'loss',
        into: gradients,
        parameters: [],
        inputs: ['features', 'weight'],
      },
    });
    this.afterConvs = model.boxStages.map(({ trainingAfterConvs, prefix }) =>
      prepareTraining(context, trainingAfterConvs, {
        prefixes: [`${prefix}shared_fcs.`, `${prefix}fc_cls.`, `${prefix}fc_reg.`],
        inputs: ['features'],
      }),
    );
  }

  /**
   * @param inputs inputs of the stage's `training` except `fractions`
   * @param numRois number of rows of `features` that are RoIs; the others are padding
   */
  async run(stage: number, inputs: HostTensors, numRois: number): Promise<BoxHeadResult> {
    const { model, store, communicator } = this.context;
    const { numConvs } = model.config.stages[stage].layers;
    const paths = Array.from(
      { length: numConvs },
      (_, k) => `${model.boxStages[stage].prefix}shared_convs.${k}`,
    );
    const { features, ...ofLoss } = inputs;
    const numValues = (features.data.length / features.shape[0]) * numRois;
    const norms: BatchNorm[] = [];
    /** Input of convolution `k`; after the last one, that of the fully connected layers. */
    const read = (k: number): HostTensor => {
      if (k === 0) return features;
      const y = this.array('y', features.data.length);
      normalizeInto(norms[k - 1], 0, y);
      return { shape: features.shape, data: y.fill(0, numValues) };
    };
    for (const [k, path] of paths.entries()) {
      const inputsOfConv = { features: read(k), weight: this.weightOf(path) };
      const { convolved } = await this.conv.run(inputsOfConv);
      const x = this.array(`x${k}`, numValues);
      x.set((convolved.data as Float32Array).subarray(0, numValues));
      const [weight, bias] = ['weight', 'bias'].map((kind) => store.get(`${path}.bn.${kind}`));
      norms.push(...(await batchNorms(communicator, [{ x: [x], weight, bias }], BATCH_NORM_EPS)));
    }
    const outputs = await this.afterConvs[stage].run({ ...ofLoss, features: read(numConvs) });
    const gradient = this.array('gradient', features.data.length);
    const gradientOf = (results: HostTensors, input: string): Float32Array =>
      results[gradientName(input)].data as Float32Array;
    gradient.set(gradientOf(outputs, 'features'));
    const given: HostTensor = { shape: features.shape, data: gradient };
    for (const [k, path] of [...paths.entries()].reverse()) {
      const [ofNorm] = await normalizeBackward(communicator, [norms[k]], [[gradient]]);
      const inputsOfConv = { features: read(k), weight: this.weightOf(path), gradient: given };
      const results = await this.convGradients.run(inputsOfConv);
      this.putGradient(`${path}.bn.weight`, ofNorm.weight);
      this.putGradient(`${path}.bn.bias`, ofNorm.bias);
      this.putGradient(`${path}.conv.weight`, gradientOf(results, 'weight'));
      gradient.set(gradientOf(results, 'features'));
    }
    return { outputs: { ...outputs, [gradientName('features')]: given }, moments: norms };
  }

  async release(): Promise<void> {
    for (const program of [this.conv, this.convGradients, ...this.afterConvs])
      await program.release();
  }

  private weightOf(path: string): HostTensor {
    const { store } = this.context;
    const weight = `${path}.conv.weight`;
    return { shape: store.entry(weight).spec.shape, data: store.get(weight) };
  }

  private putGradient(path: string, gradient: Float32Array): void {
    const { store, gradients, isTrained = () => true } = this.context;
    if (isTrained(path)) store.view(store.entry(path), gradients).set(gradient);
  }

  private array(name: string, length: number): Float32Array {
    let array = this.arrays.get(name);
    if (array === undefined || array.length < length) {
      array = new Float32Array(length);
      this.arrays.set(name, array);
    }
    return array.subarray(0, length);
  }
}
