import type { CocoSet } from '../datasets/coco/set.js';
import type {
  ClassificationExample,
  DetectionExample,
  ImageExample,
  SegmentationExample,
} from '../datasets/in-memory.js';
import type { DataOptions } from '../datasets/layout/types.js';
import type { SegmentationSet } from '../datasets/segmentation-folder.js';
import type { ClassificationSet } from '../datasets/imagenet.js';
import type { Backbone } from '../engine/backbone.js';
import type { Engine, EngineOptions } from '../engine/runtime/engine.js';
import type { ClassificationConfig } from './config/classify.js';
import type { DetectionConfig } from './config/detect.js';
import type { PretrainingConfig } from './config/pretrain.js';
import type { RecipeConfig } from './config/schemas.js';
import type { SegmentationConfig } from './config/segment.js';
import type { Shortcuts } from './config/shortcuts.js';
import type { Communicator } from './distributed/communicator.js';
import type { RunListener } from './log-record.js';
import type { ImageSet } from './pretrain/images.js';
import type { TrainingData } from './tasks/task.js';

/** Type of the configuration of a recipe, by name or value. */
export type ConfigOf<Recipe> = Recipe extends RecipeConfig
  ? Extract<RecipeConfig, { readonly task: Recipe['task'] }>
  : Recipe extends `classify${string}` | `imagenet-${string}`
    ? ClassificationConfig
    : Recipe extends `detect${string}` | `coco-${string}`
      ? DetectionConfig
      : Recipe extends `segment${string}` | `ade20k-${string}`
        ? SegmentationConfig
        : Recipe extends `fcmae-${string}` | 'pretrain'
          ? PretrainingConfig
          : RecipeConfig;

/** Types of a data set, and of an example, by task. */
export interface DataTypes {
  readonly classify: { readonly set: ClassificationSet; readonly example: ClassificationExample };
  readonly detect: { readonly set: CocoSet; readonly example: DetectionExample };
  readonly segment: { readonly set: SegmentationSet; readonly example: SegmentationExample };
  readonly pretrain: { readonly set: ImageSet; readonly example: ImageExample };
}
type DataOf<Config extends RecipeConfig> = DataTypes[Config['task']];

/** Data in memory. */
export interface Examples<Example> {
  /** Class names by index; empty for pre-training. */
  readonly classes?: readonly string[] | undefined;
  readonly training: readonly Example[];
  /** Absent: no evaluation. */
  readonly validation?: readonly Example[] | undefined;
}

/** Partial settings of a configuration at any depth; lists are replaced. */
type Overrides<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Overrides<T[Key]> | undefined }
    : T;

/** Options of {@link train}. */
export interface TrainOptions<Config extends RecipeConfig = RecipeConfig>
  extends Shortcuts, DataOptions {
  /** A folder, a `data.yaml`, loaded sets, or images in memory; optional for resumed and repeated runs. */
  readonly data?:
    string | TrainingData<DataOf<Config>['set']> | Examples<DataOf<Config>['example']> | undefined;
  /** Run folder. */
  readonly folder: string;
  /** Initial weights: a file, a run folder or an official name. */
  readonly weights?: string | undefined;
  /** Model size `atto` … `huge`, instead of that of the recipe or the weights. */
  readonly model?: string | undefined;
  /** Settings that override those of the recipe. */
  readonly config?: Overrides<Config> | undefined;
  /** YAML or JSON file with settings that override those of the recipe. */
  readonly configFile?: string | undefined;
  /** Assignments `path=value` that override all other settings. */
  readonly set?: readonly string[] | undefined;
  /** Seed of all random numbers; default 0. */
  readonly seed?: number | undefined;
  /** Number of steps after which to stop. */
  readonly steps?: number | undefined;
  /** Minutes in which the run ends, with its last evaluation and the report: the schedule is laid out for this time. */
  readonly minutes?: number | undefined;
  /** Number of passes over the images, for which the schedule is laid out; not together with `minutes`. */
  readonly epochs?: number | undefined;
  /** Number of images to train on without augmentation in two minutes, to prove that the set can be learned. */
  readonly overfit?: number | undefined;
  /** Number of evaluations without improvement after which to stop. */
  readonly patience?: number | undefined;
  /** Minutes after which a checkpoint is saved, besides those of the recipe; default 15, 0: none. */
  readonly checkpointMinutes?: number | undefined;
  /** Whether to resume from the newest checkpoint of the run folder. */
  readonly resume?: boolean | undefined;
  /** Whether to evaluate the trained model for the report; default true. */
  readonly report?: boolean | undefined;
  /** Folder of pulled weights. */
  readonly cache?: string | undefined;
  /** Whether to refuse an official name that is not in the cache instead of pulling it. */
  readonly offline?: boolean | undefined;
  /** Custom backbone that replaces the configuration's; not for pre-training. */
  readonly backbone?: Backbone | undefined;
  /** An open engine, or its options; default: all cores of the CPU. */
  readonly engine?: Engine | Partial<EngineOptions> | undefined;
  /** Processes that train together; default: one. */
  readonly communicator?: Communicator | undefined;
  /** Saves and stops after the current step when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly listener?: RunListener | undefined;
}

/** Options of {@link train} whose processes are known. */
export type RankOptions = TrainOptions & { readonly communicator: Communicator };
