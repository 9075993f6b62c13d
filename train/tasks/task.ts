import type { FlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { BenchmarkDefaults, BenchmarkReport, BenchmarkRequest } from '../benchmark.js';
import type { ImageModel } from '../../inference/model.js';
import type { EvaluationOptions, EvaluationReport } from '../evaluation.js';
import type { PresentOptions, Presentation } from '../presentation.js';
import type { ReportSections, SectionsRequest } from '../report-sections.js';
import type { WhichWeights } from '../log-record.js';
import type { Run, RunLength } from '../loop.js';
import type { ParameterGroupConfig } from '../parameter-groups.js';
import type { RecipeConfig } from '../config/schemas.js';
import type { BatchSource, Scalars, Trainer } from '../trainer.js';

/** The sets of a run. */
export interface TrainingData<Set> {
  readonly training: Set;
  /** Absent: no evaluation. */
  readonly validation?: Set | undefined;
}

/** The sets of a folder, with lines for people that say what was found. */
export interface LoadedData<Set> extends TrainingData<Set> {
  readonly lines: readonly string[];
}

/** How a data set of one part is divided. */
export interface LoadOptions {
  /** Fraction of the images that is held out. */
  readonly valFraction?: number | undefined;
  readonly seed: number;
}

/** The part of a run that differs between tasks. */
export interface Setup<Batch> {
  readonly specs: SpecTree;
  /** Fills the parameters that a weight file has. */
  loadWeights(file: string, store: ParameterStore): Promise<unknown>;
  readonly loader: BatchSource<Batch> & { close(): Promise<void> };
  /** Decay and learning rate factors of the parameters. */
  readonly groups: ParameterGroupConfig;
  /** Which parameters are trained; all trainable ones if absent. */
  isTrained?(path: string): boolean;
  /** Schedule and intervals. @param stepsPerEpoch at least 1 */
  length(stepsPerEpoch: number): RunLength;
  createTrainer(buffers: FlatBuffers): Trainer<Batch>;
  /** Scores parameters on validation data; absent: no evaluation. */
  evaluate?: ((store: ParameterStore, which: WhichWeights) => Promise<Scalars>) | undefined;
  /** Architecture, classes and preprocessing, for whoever opens a checkpoint. */
  readonly card: object;
}

/** All that differs between classification, detection, segmentation and pre-training. */
export interface Task<
  Config extends RecipeConfig = RecipeConfig,
  Set = unknown,
  Example = unknown,
> {
  readonly name: Config['task'];
  /** The metric whose highest value is the best. */
  readonly bestMetric: string;
  /**
   * Loads what a folder, or a `data.yaml`, holds for training and validation.
   *
   * @throws DataError naming the file, or the kind of set that was found instead
   */
  load(path: string, options: LoadOptions): Promise<LoadedData<Set>>;
  /** Takes images in memory as a set. @throws DataError naming the first one that is wrong */
  fromExamples(examples: readonly Example[], classes: readonly string[]): Set;
  /** Whether data in memory are a set of this task. */
  isSet(data: object): boolean;
  /**
   * Members for models that predict something in images; absent for pre-training.
   */
  readonly prediction?: {
    /** Scores a model on a data set. @throws DataError, ConfigError */
    evaluate(
      model: ImageModel,
      data: string | Set,
      options: EvaluationOptions,
    ): Promise<EvaluationReport>;
    /** Text, pictures and rows of predictions. */
    present(model: ImageModel, options: PresentOptions): Presentation;
  };
  /** Report sections about a trained model. @param model undefined where there is no `prediction` */
  reportSections(
    model: ImageModel | undefined,
    request: SectionsRequest,
  ): ReportSections | Promise<ReportSections>;
  /** Times a model with random weights; absent where there is no benchmark. */
  readonly benchmark?: {
    readonly defaults: BenchmarkDefaults;
    run(engine: Engine, request: BenchmarkRequest): Promise<BenchmarkReport>;
  };
  /** Checks configuration and data, and gives what a run needs of the task. @throws ConfigError, DataError */
  setUp(config: Config, data: TrainingData<Set>, run: Run): Setup<unknown>;
}
