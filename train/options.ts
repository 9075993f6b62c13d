import type { CocoSet } from '../datasets/coco/set.js';
import type {
  ClassificationExample,
  DetectionExample,
  ImageExample,
  SegmentationExample,
} from '../datasets/in-memory.js';
import type { SegmentationSet } from '../datasets/segmentation-folder.js';
import type { ClassificationSet } from '../datasets/imagenet.js';
import type { Backbone } from '../engine/backbone.js';
import type { Engine, EngineOptions } from '../engine/runtime/engine.js';
import type { ClassificationConfig } from './config/classify.js';
import type { DetectionConfig } from './config/detect.js';
import type { PretrainingConfig } from './config/pretrain.js';
import type { RecipeConfig } from './config/schemas.js';
import type { SegmentationConfig } from './config/segment.js';
import type { Communicator } from './distributed/communicator.js';
import type { RunListener } from './log-record.js';
import type { ImageSet } from './pretrain/images.js';
import type { TrainingData } from './tasks/task.js';

/** The configuration that a recipe has by its name, or is. */
export type ConfigOf<Recipe> = Recipe extends RecipeConfig
  ? Extract<RecipeConfig, { readonly task: Recipe['task'] }>
  : Recipe extends `classify${string}` | `imagenet-${string}`
    ? ClassificationConfig
    : Recipe extends `detect${string}` | `coco-${string}`
      ? DetectionConfig
      : Recipe extends `segment${string}` | `ade20k-${string}`
        ? SegmentationConfig
        : Recipe extends `fcmae-${string}`
          ? PretrainingConfig
          : RecipeConfig;

/** The data set that a configuration trains on. */
export type SetOf<Config> = Config extends ClassificationConfig
  ? ClassificationSet
  : Config extends DetectionConfig
    ? CocoSet
    : Config extends SegmentationConfig
      ? SegmentationSet
      : ImageSet;

/** An image in memory with its labels, as a configuration's task has them. */
export type ExampleOf<Config> = Config extends ClassificationConfig
  ? ClassificationExample
  : Config extends DetectionConfig
    ? DetectionExample
    : Config extends SegmentationConfig
      ? SegmentationExample
      : ImageExample;

/** Data in memory. */
export interface Examples<Example> {
  /** Class names by index; none for pre-training. */
  readonly classes?: readonly string[] | undefined;
  readonly training: readonly Example[];
  /** Absent: no evaluation. */
  readonly validation?: readonly Example[] | undefined;
}

/** Some of the settings of a configuration, at any depth; lists are replaced whole. */
export type Overrides<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [Key in keyof T]?: Overrides<T[Key]> | undefined }
    : T;

/** How {@link train} trains. */
export interface TrainOptions<Config extends RecipeConfig = RecipeConfig> {
  /** A folder, a `data.yaml`, loaded sets, or images in memory; a run that is resumed or repeated knows its folder. */
  readonly data?: string | TrainingData<SetOf<Config>> | Examples<ExampleOf<Config>> | undefined;
  /** Run folder. */
  readonly folder: string;
  /** Weights to start from: a file, a run folder or an official name. */
  readonly weights?: string | undefined;
  /** `atto` … `huge`, instead of the size of the recipe or the weights. */
  readonly model?: string | undefined;
  /** Settings over those of the recipe. */
  readonly config?: Overrides<Config> | undefined;
  /** YAML or JSON file with settings over those of the recipe. */
  readonly configFile?: string | undefined;
  /** `path=value`, over all other settings. */
  readonly set?: readonly string[] | undefined;
  /** Seed of everything random; 0 by default. */
  readonly seed?: number | undefined;
  /** Stop after this many steps. */
  readonly steps?: number | undefined;
  /** Fraction of the images that is held out, for data of one part. */
  readonly valFraction?: number | undefined;
  /** Stop after so many evaluations without a better score. */
  readonly patience?: number | undefined;
  /** Go on from the newest checkpoint of the run folder. */
  readonly resume?: boolean | undefined;
  /** Whether the trained model is examined for the report; yes by default. */
  readonly report?: boolean | undefined;
  /** Folder of pulled weights. */
  readonly cache?: string | undefined;
  /** Takes the place of the configuration's backbone: a network of one's own. Pre-training has none. */
  readonly backbone?: Backbone | undefined;
  /** An open engine, or how to open one; by default all cores of the CPU. */
  readonly engine?: Engine | EngineOptions | undefined;
  /** The processes that train together; one by default. */
  readonly communicator?: Communicator | undefined;
  /** Saves and stops after the current step when aborted. */
  readonly signal?: AbortSignal | undefined;
  readonly listener?: RunListener | undefined;
}
