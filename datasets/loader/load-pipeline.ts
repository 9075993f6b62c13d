import { ConfigError } from '../../core/errors.js';
import type { PipelineModule } from './pipeline.js';

/**
 * Imports a pipeline module.
 *
 * @throws ConfigError if the module can't be imported or exports no `createPipeline`
 */
export async function loadPipelineModule(url: string): Promise<PipelineModule> {
  let module: Partial<PipelineModule>;
  try {
    module = (await import(url)) as Partial<PipelineModule>;
  } catch (cause) {
    throw new ConfigError(
      `loadPipeline: expected a module at ${url}, got ${String(cause)}; is the project built?`,
      { cause },
    );
  }
  if (typeof module.createPipeline !== 'function')
    throw new ConfigError(
      `loadPipeline: expected ${url} to export createPipeline, got ${Object.keys(module).join(', ')}`,
    );
  return module as PipelineModule;
}
