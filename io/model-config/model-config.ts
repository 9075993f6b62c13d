/** Facts about a model from the configuration files beside its weights. */
export interface ModelConfig {
  /** The file with the architecture, for messages. */
  readonly file: string;
  readonly depths?: readonly number[] | undefined;
  readonly dims?: readonly number[] | undefined;
  /** By class index. */
  readonly labels?: readonly string[] | undefined;
  /** Epsilon of all norms. */
  readonly normEps?: number | undefined;
  /** Bins per side of the pyramid pooling of a segmenter. */
  readonly poolScales?: readonly number[] | undefined;
  /** Kind of norms without shift. */
  readonly norm?: 'rms' | 'simple' | undefined;
  /** Epsilon of the norm before the head. */
  readonly headNormEps?: number | undefined;
  /** Mean and standard deviation per channel in units of the full range. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Side of the input in pixels. */
  readonly inputSize?: number | undefined;
  /** Fraction of the resized short side that the crop keeps; 1 for squares that are not cropped. */
  readonly cropFraction?: number | undefined;
  /** `warp`: to a square whatever the aspect ratio. */
  readonly mode?: 'crop' | 'warp' | undefined;
  /** `floor`: the crop's offset is rounded down. */
  readonly cropOffset?: 'floor' | undefined;
  readonly filter?: 'bicubic' | 'bilinear' | undefined;
}
