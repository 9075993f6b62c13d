import type { Metrics } from './metrics.js';
import type { ModelThread } from './model-thread.js';
import type { ServeOptions } from './options.js';

/** State that the routes of a server share. */
export interface ServerState {
  readonly options: ServeOptions;
  readonly thread: ModelThread;
  readonly metrics: Metrics;
  /** Whether the server only answers what it has accepted. */
  isDraining: boolean;
}
