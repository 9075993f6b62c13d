import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError, ConfigError, quote } from '../core/errors.js';
import { printable } from '../core/printable.js';
import * as t from '../core/schema.js';
import { formatShape, sameShape } from '../core/shape.js';
import { CHECKPOINT_FORMAT, checkpointMetadata } from './checkpoint-layout.js';
import { problemOf } from '../io/checked-json.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { readJson } from '../io/files/json.js';
import { checksumInThread } from '../io/files/checksum-thread.js';
import type { Layout } from './layout.js';
import type { ParameterTarget } from './load.js';
import { withWeights } from './open.js';
import { writeSafetensors } from '../io/safetensors/write.js';

/**
 * A checkpoint is `NAME.safetensors` (float32 values: weights, EMA, optimizer moments) and `NAME.json` (everything else).
 * The JSON is written last and contains the checksum, so incomplete pairs are detected.
 */

/** Current version of the JSON. */
const VERSION = 1;

/** Parameters by group: {@link file://./select.ts} reads `weights` and `ema`; other names (moments) are free. */
export type CheckpointGroups = Readonly<Record<string, readonly ParameterTarget[]>>;

/** Content of a checkpoint. */
interface CheckpointContent<State extends object = Record<string, unknown>> {
  /** Number of optimizer steps done. */
  readonly step: number;
  /** Read while saving; must not change until saving is complete. */
  readonly groups: CheckpointGroups;
  /** Any JSON value: random and sampler states, configuration, class names, mean and standard deviation, … */
  readonly state: State;
}

/** A checkpoint on disk. */
export interface Checkpoint<State extends object = Record<string, unknown>> {
  readonly folder: string;
  readonly name: string;
  /** The safetensors file. */
  readonly file: string;
  /** As stored, hexadecimal. */
  readonly sha256: string;
  readonly step: number;
  readonly state: State;
}

/**
 * Saves a checkpoint: writes both files atomically, the JSON last.
 *
 * @throws ConfigError if the name contains a path or a group a dot, or the state has a number that JSON cannot represent
 */
export async function saveCheckpoint<State extends object>(
  folder: string,
  name: string,
  { step, groups, state }: CheckpointContent<State>,
): Promise<Checkpoint<State>> {
  if (!/^[\w-][\w.-]*$/.test(name) || name === 'best') {
    throw new ConfigError(`saveCheckpoint: expected a plain file name, got "${name}"`);
  }
  assertJson('state', state);
  const layouts = new Map<string, Layout>();
  const tensors = Object.entries(groups).flatMap(([group, parameters]) => {
    if (!/^\w+$/.test(group)) {
      throw new ConfigError(`saveCheckpoint: expected a group name without dots, got "${group}"`);
    }
    return parameters.map(({ path, shape, layout, values }) => {
      layouts.set(path, layout);
      return { name: `${group}.${path}`, dtype: 'F32', shape, data: values } as const;
    });
  });
  const file = join(folder, `${name}.safetensors`);
  const { bytes, sha256, crc32 } = await writeSafetensors(
    file,
    tensors,
    checkpointMetadata(layouts),
  );
  const json: CheckpointJson<State> = {
    format: CHECKPOINT_FORMAT,
    version: VERSION,
    step,
    tensors: { file: basename(file), bytes, sha256, crc32 },
    state,
  };
  await writeJsonAtomically(join(folder, `${name}.json`), json);
  return { folder, name, file, sha256, step, state };
}

/**
 * Replaces the state of a saved checkpoint; its tensors are kept.
 *
 * @param path of the JSON file
 * @throws ConfigError as {@link saveCheckpoint}; WeightsError if the file is damaged
 */
export async function updateCheckpointState(path: string, state: object): Promise<void> {
  assertJson('state', state);
  await writeJsonAtomically(path, { ...(await readCheckpointJson(path)), state });
}

/**
 * Opens a checkpoint and verifies its checksum.
 *
 * @param path of the JSON or the safetensors file, or without extension
 * @throws WeightsError if a file is missing, incomplete, changed, or from a newer version
 */
export async function readCheckpoint<State extends object = Record<string, unknown>>(
  path: string,
): Promise<Checkpoint<State>> {
  const { verified, ...checkpoint } = await openCheckpoint<State>(path);
  await verified;
  return checkpoint;
}

/** A checkpoint whose checksum is still being computed. */
interface OpenedCheckpoint<State extends object> extends Checkpoint<State> {
  /** Rejects with a WeightsError if the file was changed or cannot be read. */
  readonly verified: Promise<void>;
}

/** {@link readCheckpoint} that verifies the checksum while the tensors are already being read: await `verified` before a result is given. */
export async function openCheckpoint<State extends object = Record<string, unknown>>(
  path: string,
): Promise<OpenedCheckpoint<State>> {
  const base = path.replace(/\.(json|safetensors)$/, '');
  const { step, tensors, state } = await readCheckpointJson<State>(`${base}.json`);
  const folder = dirname(base);
  const file = join(folder, tensors.file);
  const { size } = await stat(file).catch((cause: unknown) => {
    throw CheckpointError.in(file, `expected the tensors of ${base}.json, got no such file`, {
      cause,
    });
  });
  if (size !== tensors.bytes) {
    throw CheckpointError.in(file, `expected ${tensors.bytes} bytes, got ${size} (torn)`);
  }
  const verified = assertUnchanged(file, tensors);
  // A rejection is handled when it is awaited.
  verified.catch(() => undefined);
  return { folder, name: basename(base), file, sha256: tensors.sha256, step, state, verified };
}

/** @throws WeightsError if the checksum of a file is another. Earlier versions stored only SHA-256. */
async function assertUnchanged(
  file: string,
  { sha256, crc32 }: CheckpointJson<object>['tensors'],
): Promise<void> {
  const kind = crc32 === undefined ? 'sha256' : 'crc32';
  const expected = crc32 ?? sha256;
  const got = await checksumInThread(file, kind).catch((cause: unknown) => {
    throw CheckpointError.in(file, `expected a readable file, got ${(cause as Error).message}`, {
      cause,
    });
  });
  if (got !== expected) throw CheckpointError.in(file, `expected ${kind} ${expected}, got ${got}`);
}

const CheckpointSchema = t.withUnknownFields(
  t.record({
    format: t.literal(CHECKPOINT_FORMAT),
    version: t.whole(1),
    step: t.whole(0, Number.MAX_SAFE_INTEGER),
    tensors: t.record({
      file: t.TEXT,
      bytes: t.whole(0),
      sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' } as t.Schema<string>,
      crc32: t.optional({ type: 'string', pattern: '^[0-9a-f]{8}$' } as t.Schema<string>),
    }),
    state: t.dictionary<unknown>({}),
  }),
);

/** The JSON file. */
type CheckpointJson<State extends object> = Omit<t.Infer<typeof CheckpointSchema>, 'state'> & {
  readonly state: State;
};

/** Reads the JSON of a checkpoint without its tensors. @throws WeightsError if it is incomplete or not a checkpoint */
export async function readCheckpointJson<State extends object = Record<string, unknown>>(
  path: string,
): Promise<CheckpointJson<State>> {
  const json = readJson(path, 'a checkpoint', CheckpointError);
  const { format, version } = Object(json) as Readonly<Record<string, unknown>>;
  if (format !== CHECKPOINT_FORMAT)
    throw CheckpointError.in(path, `expected format ${CHECKPOINT_FORMAT}, got ${quote(format)}`);
  if (version !== VERSION)
    throw CheckpointError.in(path, `expected version ${VERSION}, got ${quote(version)}`);
  const problem = problemOf(json, CheckpointSchema);
  if (problem !== undefined)
    throw CheckpointError.in(
      path,
      `expected the JSON of a checkpoint, got a damaged one: ${problem}`,
    );
  const { step, tensors, state } = json as CheckpointJson<State>;
  if (basename(tensors.file) !== tensors.file)
    throw CheckpointError.in(path, `expected a file beside it, got ${printable(tensors.file)}`);
  return { format: CHECKPOINT_FORMAT, version: VERSION, step, tensors, state };
}

/**
 * Restores the parameters of the given groups bit for bit. Strict: every group must have exactly these paths and shapes,
 * or nothing is written. Other groups of the file are not read.
 *
 * @throws WeightsError listing all differences
 */
export async function restoreCheckpoint(
  checkpoint: Pick<Checkpoint, 'file'>,
  groups: CheckpointGroups,
): Promise<void> {
  const { file } = checkpoint;
  await withWeights(file, async ({ tensors }) => {
    const problems: string[] = [];
    const wanted = new Set<string>();
    const pairs = Object.entries(groups).flatMap(([group, parameters]) =>
      parameters.map((parameter) => {
        const name = `${group}.${parameter.path}`;
        const tensor = tensors.get(name);
        wanted.add(name);
        if (!tensor) problems.push(`missing ${name}`);
        else if (tensor.dtype !== 'F32' || !sameShape(tensor.shape, parameter.shape)) {
          problems.push(
            `${name}: expected F32 ${formatShape(parameter.shape)}, got ${tensor.dtype} ${formatShape(tensor.shape)}`,
          );
        }
        return [parameter, tensor] as const;
      }),
    );
    for (const name of tensors.keys()) {
      const group = name.slice(0, name.indexOf('.'));
      if (Object.hasOwn(groups, group) && !wanted.has(name)) problems.push(`unexpected ${name}`);
    }
    if (problems.length > 0) {
      throw CheckpointError.in(
        file,
        `expected the model's parameters, got differences: ${problems.join('; ')}`,
      );
    }
    for (const [{ values }, tensor] of pairs) {
      if (tensor) values.set((await tensor.read()) as Float32Array);
    }
  });
}

/** JSON would change NaN to null and drop undefined, which would change a resumed run. */
function assertJson(where: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new ConfigError(`saveCheckpoint: expected a finite number at ${where}, got ${value}`);
  }
  if (typeof value === 'bigint' || typeof value === 'function') {
    throw new ConfigError(`saveCheckpoint: expected JSON at ${where}, got a ${typeof value}`);
  }
  if (ArrayBuffer.isView(value)) {
    throw new ConfigError(`saveCheckpoint: expected an array at ${where}, got a typed array`);
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) assertJson(`${where}.${key}`, item);
}
