import type { AlignedSet } from '../../datasets/align-classes.js';
import type { ClassOwner } from '../../datasets/class-order.js';
import type { DataOptions } from '../../datasets/layout/types.js';
import type { ProblemLog } from '../../datasets/problems.js';
import type { FlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { BenchmarkDefaults, BenchmarkReport, BenchmarkRequest } from '../benchmark.js';
import type { ImageModel } from '../../inference/model.js';
import type { DataFacts, FittedSettings, LearnedScore, SetContent } from '../data-facts.js';
import type { EvaluationOptions, EvaluationReport, EvaluationScores } from '../evaluation.js';
import type { InspectedSet, InspectRequest } from '../inspect.js';
import type { ReportSections, SectionsRequest } from '../report-sections.js';
import type { WhichWeights } from '../log-record.js';
import type { Run, RunLength } from '../loop.js';
import type { ParameterGroupConfig } from '../parameter-groups.js';
import type { RecipeConfig } from '../config/schemas.js';
import type { BatchSource, Scalars, Trainer } from '../trainer.js';

/** Data sets of a run. */
export interface TrainingData<Set> {
  readonly training: Set;
  /** Absent: no evaluation. */
  readonly validation?: Set | undefined;
}

/** Data sets of a folder, with a description for people. */
export interface LoadedData<Set> extends TrainingData<Set> {
  readonly lines: readonly string[];
}

/** Options of a data set; the seed of its division is that of the run. */
export interface LoadOptions extends DataOptions {
  readonly seed: number;
}

/** Circumstances of training before the first step. */
export interface WarmUpRequest {
  /** Number of steps of the run, as far as it is known, wherever it is to stop. */
  readonly steps: number;
  /** Number of steps after which the run is to stop. */
  readonly stopsAfter?: number | undefined;
  /** Time that the run has. */
  readonly minutes?: number | undefined;
  /** Number of steps before the first one that the repeated run had. */
  readonly decidedSteps?: number | undefined;
  /** Clock in milliseconds; default: that of the process. */
  readonly now?: (() => number) | undefined;
  /** Ends it with a WorkError when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly note: (line: string) => void;
  /** Called with what takes long, before it begins. */
  readonly waits?: ((what: string) => void) | undefined;
}

/** Task-specific parts of a run. */
export interface Setup<Batch> {
  readonly specs: SpecTree;
  /**
   * Fills parameters from a weight file.
   *
   * @param which choice between weights and their EMA
   * @returns a line that says what was taken over
   */
  loadWeights(file: string, store: ParameterStore, which?: 'model' | 'model_ema'): Promise<string>;
  /**
   * Trains parameters before the first step of a new run; absent: none.
   *
   * @returns number of steps that it took; undefined if a trial left it out
   */
  readonly warmUp?:
    ((store: ParameterStore, request: WarmUpRequest) => Promise<number | undefined>) | undefined;
  readonly loader: BatchSource<Batch> & { close(): Promise<void> };
  /** Weight decay and learning rate factors of the parameters. */
  readonly groups: ParameterGroupConfig;
  /** Selects the parameters to train; default: all trainable ones. */
  isTrained?(path: string): boolean;
  /** Computes schedule and intervals. @param stepsPerEpoch at least 1 */
  length(stepsPerEpoch: number): RunLength;
  createTrainer(buffers: FlatBuffers): Trainer<Batch>;
  /** Number of images that are trained on, and of held-out images; 0: no evaluation. */
  readonly numImages: number;
  readonly numHeldOut: number;
  /**
   * Evaluates parameters on validation data, or on at most `limit` images spread evenly over it; absent: no evaluation.
   * Pictures are drawn by evaluations of the whole set only.
   *
   * @param onCard called with the fields of the model card that follow from it
   */
  evaluate?:
    | ((
        store: ParameterStore,
        which: WhichWeights,
        limit?: number,
        onCard?: (fields: object) => void,
      ) => Promise<Scalars>)
    | undefined;
  /** Model card for checkpoints: architecture, classes and preprocessing. */
  readonly card: object;
}

/** Interface of a task: all differences between classification, detection, segmentation and pre-training. */
export interface Task<
  Config extends RecipeConfig = RecipeConfig,
  Set = unknown,
  Example = unknown,
> {
  readonly name: Config['task'];
  /** Name of the metric whose highest value is the best. */
  readonly bestMetric: string;
  /**
   * Loads the training and validation sets of a folder or a `data.yaml`.
   *
   * @throws DataError naming the file, or the detected kind of set if it differs
   */
  load(path: string, options: LoadOptions): Promise<LoadedData<Set>>;
  /**
   * Creates a set from images in memory, files and bytes, which are decoded.
   *
   * @param range values that become 0 and 255 in images of more than 8 bits; default: their upper 8 bits
   * @throws DataError naming the first invalid one
   */
  fromExamples(
    examples: readonly Example[],
    classes: readonly string[],
    range?: readonly [lowest: number, highest: number],
  ): Promise<Set>;
  /** Whether data in memory is a set of this task. */
  isSet(data: object): boolean;
  /** Decides what is used of a set, and reports its problems; absent if every image is used. */
  inspect?(set: Set, request: InspectRequest, log: ProblemLog): Promise<InspectedSet>;
  /** Content of a set by which a resumed run notices that it has changed. */
  content(set: Set): SetContent;
  /** Names of the classes of a set by index; absent without classes. */
  classNames?(set: Set): readonly string[];
  /** Counts what a set holds for training, and looks for reasons why nothing may be learned from it. */
  facts(set: Set, config: Config): DataFacts;
  /**
   * Chooses settings by a training set, for the recipes of `FITTED_RECIPES`; absent: none.
   *
   * @param isSet whether the user set a value at or below a path, which is then kept
   */
  fit?(
    set: Set,
    config: Config,
    isSet: (path: string) => boolean,
  ): FittedSettings | Promise<FittedSettings>;
  /** Indices of the images that have something to learn. */
  labeled(set: Set): readonly number[];
  /**
   * Selects of some images those that no constant answer is right for, by which `overfit` proves something; absent: all. If there
   * is none, all are taken.
   *
   * @throws DataError if labels cannot be read
   */
  telling?(set: Set, indices: readonly number[]): Promise<readonly number[]>;
  /** Score of a few images from which a set counts as learned, with `overfit`. */
  readonly learnedScore: LearnedScore;
  /** Selects images of a set. */
  select(set: Set, indices: readonly number[]): Set;
  /** Divides a set in two, as `load` does with a fraction for a set without splits. @throws ConfigError */
  divide(
    set: Set,
    rule: { readonly valFraction: number; readonly seed: number },
  ): { readonly train: Set; readonly val: Set };
  /** Options that say how a set is read from its path; others are refused. */
  readonly dataOptions: readonly (keyof DataOptions)[];
  /** Gives the classes of a set the indices of `wanted`, by name; absent without classes. @throws DataError if they differ */
  alignClasses?(set: Set, wanted: readonly string[], owner: ClassOwner): AlignedSet<Set>;
  /** Evaluates a model on a data set; absent for pre-training, whose models have no predictions. @throws DataError, ConfigError */
  evaluate?(
    model: ImageModel,
    data: string | Set,
    options: EvaluationOptions,
  ): Promise<EvaluationReport<EvaluationScores>>;
  /** Creates report sections about a trained model. @param model undefined without `evaluate` */
  reportSections(
    model: ImageModel | undefined,
    request: SectionsRequest,
  ): ReportSections | Promise<ReportSections>;
  /** Times a model with random weights; absent if there is no benchmark. */
  readonly benchmark?: {
    readonly defaults: BenchmarkDefaults;
    run(engine: Engine, request: BenchmarkRequest): Promise<BenchmarkReport>;
  };
  /** Checks configuration and data, and creates the task-specific parts of a run. @throws ConfigError, DataError */
  setUp(config: Config, data: TrainingData<Set>, run: Run): Setup<unknown>;
}
