import type { EngineOptions } from '../../engine/runtime/engine.js';

/** What `export` was asked for, whatever the task. */
export interface ExportRequest {
  /** The ONNX file to write. */
  readonly out: string;
  readonly batch: number;
  /** Sides of the input; where they are left out the model's own. */
  readonly height?: number;
  readonly width?: number;
  /** Ordinary suppression for a detector that uses soft-NMS. */
  readonly hardNms?: boolean;
  readonly ema?: boolean;
  readonly classes?: string;
  readonly size?: number;
  readonly engine: EngineOptions;
}
