import { dirname } from 'node:path';
import { openEngine } from '../../engine/runtime/engine.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { LocatedModel } from '../model/locate.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import { formatTable, log } from '../output.js';
import type { OutputDifference } from './compare.js';
import { compareDetections } from './compare-detections.js';
import { compareOutputs, runFile } from './compare.js';
import { planExport } from './plan.js';
import type { ExportRequest } from './request.js';

/** What `export` wrote. */
export interface ExportDocument {
  readonly model: string;
  readonly task: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly opset: number;
  readonly numNodes: number;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly differences: readonly OutputDifference[];
}

/**
 * Writes a model as an ONNX file, after comparing what it computes on random inputs with what this library does, and beside it
 * a JSON file that says how to prepare images and what the outputs mean.
 *
 * @throws ConfigError, WeightsError; WorkError if the outputs differ
 */
export async function exportToFile(
  located: LocatedModel,
  request: ExportRequest,
): Promise<ExportDocument> {
  assertWritableFolder(dirname(request.out));
  const { weights, exported, card, inputs, expected } = await planExport(located, request);
  const engine = await openEngine(request.engine);
  const ours = await expected(engine);
  const found = await runFile(exported.bytes, inputs);
  const compare = located.task === 'detect' ? compareDetections : compareOutputs;
  const differences = compare(found, ours);
  const { sha256, bytes } = await writeAtomically(request.out, exported.bytes);
  const shapes = (values: typeof exported.inputs): Record<string, readonly number[]> =>
    Object.fromEntries(values.map(({ name, shape }) => [name, shape]));
  const document: ExportDocument = {
    model: weights,
    task: located.task,
    file: request.out,
    sha256,
    bytes,
    opset: exported.opset,
    numNodes: exported.numNodes,
    inputs: shapes(exported.inputs),
    outputs: shapes(exported.outputs),
    differences,
  };
  const beside = `${request.out.replace(/\.onnx$/, '')}.json`;
  await writeJsonAtomically(beside, { ...document, card });
  log(`wrote ${request.out} and ${beside}`);
  return document;
}

/** The document for people. */
export function exportLines({
  file,
  bytes,
  opset,
  numNodes,
  inputs,
  differences,
}: ExportDocument): string {
  const sizes = Object.entries(inputs).map(([name, shape]) => `${name} [${shape.join(', ')}]`);
  return [
    `${file}: ${(bytes / 1e6).toFixed(1)} MB, ${numNodes} nodes, opset ${opset}; inputs ${sizes.join(', ')}`,
    formatTable([
      ['output', 'compared', 'largest', 'difference'],
      ...differences.map(({ name, count, maxAbs, maxAbsDifference }) => [
        name,
        count,
        maxAbs.toPrecision(4),
        maxAbsDifference.toExponential(1),
      ]),
    ]),
  ].join('\n');
}
