import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CHECKPOINTS } from '../../train/checkpoints.js';
import type { TrainResult } from '../../train/loop.js';
import { latestValid } from '../../weights/checkpoint-folder.js';
import type { RunMonitor } from './monitor.js';
import type { TrainingRequest } from './request.js';

/** Closes a run: distributions of the weights as events. */
export async function finishRun(
  request: TrainingRequest,
  { step, interrupted }: TrainResult,
  monitor: RunMonitor,
): Promise<void> {
  const checkpoints = join(request.out, CHECKPOINTS);
  if (interrupted || !existsSync(checkpoints)) return;
  const { checkpoint } = await latestValid(checkpoints);
  if (checkpoint) await monitor.events.histograms(checkpoint.file, step);
}
