import { OptionError } from '../../core/errors.js';
import { OPSETS, type Opset } from '../../engine/onnx/opset.js';

/** Form of an exported file: its inputs and outputs. */
export interface ExportFormat {
  /** Order of the axes of images, and of the scores of a segmenter: `nhwc` (default) or `nchw`. */
  readonly layout: 'nhwc' | 'nchw';
  /** Values of images: `uint8` (default), 0 … 255, or `float`, 0 … 1. */
  readonly input: 'uint8' | 'float';
  /** Whether to leave out resizing, normalization and padding: the input is the network's. */
  readonly raw: boolean;
  /** Whether a segmenter gives the class of every pixel instead of scores. */
  readonly argmax: boolean;
  /** Version of ONNX's operators, 17 to 21; default 20. */
  readonly opset: Opset;
  /** Number of images per batch; default: any. */
  readonly batch: number | undefined;
  /** Sides of the input in pixels; default: any. */
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** Choices of a form, which {@link exportFormat} checks and completes. */
export type FormatOptions = {
  readonly [Name in keyof ExportFormat]?:
    (Name extends 'opset' ? number : ExportFormat[Name]) | undefined;
};

/** Smallest fixed side: the coarsest map of the networks has stride 32. */
const LEAST_SIDE = 32;

/**
 * Checks choices and completes them.
 *
 * @throws OptionError
 */
export function exportFormat(options: FormatOptions): ExportFormat {
  const { layout = 'nhwc', input = 'uint8', raw = false, argmax = false, opset = 20 } = options;
  assertChoice('layout', layout, ['nhwc', 'nchw']);
  assertChoice('input', input, ['uint8', 'float']);
  assertChoice('opset', opset, OPSETS);
  const { batch, height, width } = options;
  const sizes = [batch ?? 1, height ?? LEAST_SIDE, width ?? LEAST_SIDE];
  const isSound = sizes.every((size, i) => Number.isInteger(size) && size >= (i && LEAST_SIDE));
  if (!isSound || sizes[0] < 1)
    throw new OptionError(
      `export: expected whole numbers, batch from 1, height and width from ${LEAST_SIDE}, got ${sizes.join(', ')}`,
      { flags: { 'batch from': '--batch from', 'height and width': '--height and --width' } },
    );
  return { layout, input, raw, argmax, opset: opset as Opset, batch, height, width };
}

function assertChoice(name: string, value: unknown, choices: readonly unknown[]): void {
  if (!choices.includes(value))
    throw new OptionError(`${name}: expected ${choices.join(' or ')}, got ${String(value)}`, {
      flags: { [name]: `--${name}` },
    });
}
