import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { WeightsFileError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import * as t from '../core/schema.js';
import { readJson } from '../io/files/json.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import type { LazyTensor, TensorSource } from '../io/tensor.js';

/** Largest number of pieces; the largest models have some hundred. */
const MAX_PIECES = 1000;

/** `*.index.json` of transformers: the file of every tensor. */
const Index = t.withUnknownFields(
  t.record({
    weight_map: {
      type: 'object',
      additionalProperties: { type: 'string' },
    } as t.Schema<Readonly<Record<string, string>>>,
  }),
);

/**
 * Opens a model that is saved in pieces: `model.safetensors.index.json` or `pytorch_model.bin.index.json` and the files
 * that it names, which must lie beside it.
 *
 * @param open opens one piece
 * @throws WeightsError if the index is damaged, or a piece or tensor is missing
 */
export async function openSharded(
  path: string,
  open: (file: string) => Promise<TensorSource>,
): Promise<TensorSource> {
  const pieceOf = await readIndex(path);
  const names = [...new Set(pieceOf.values())];
  const pieces = new Map<string, TensorSource>();
  const close = async (): Promise<void> => {
    for (const piece of pieces.values()) await piece.close();
  };
  try {
    for (const name of names) {
      const file = join(dirname(path), name);
      if (!existsSync(file))
        throw WeightsFileError.in(
          path,
          `expected ${printable(name)} beside it, got no such file (fetch all ${names.length} pieces)`,
        );
      pieces.set(name, await open(file));
    }
    const tensors = new Map<string, LazyTensor>();
    for (const [tensor, piece] of pieceOf) {
      const found = pieces.get(piece)?.tensors.get(tensor);
      if (!found)
        throw WeightsFileError.in(
          path,
          `expected tensor ${printable(tensor)} in ${piece}, got none`,
        );
      tensors.set(tensor, found);
    }
    const [first] = pieces.values();
    return {
      file: path,
      container: first.container,
      tensors,
      plain: first.plain,
      pieces: names.map((name) => join(dirname(path), name)),
      check: async () => {
        for (const piece of pieces.values()) await piece.check?.();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** File name of every tensor's piece. */
async function readIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const fail = (message: string): never => {
    throw WeightsFileError.in(path, message);
  };
  const json = readJson(path, 'an index of weights', WeightsFileError);
  const problems = compileSchema(Index)(json);
  if (problems.length > 0) return fail(formatProblems(problems));
  const entries = Object.entries((json as { weight_map: Record<string, string> }).weight_map);
  const names = new Set(entries.map(([, name]) => name));
  const outside = [...names].find(
    (name) => name !== basename(name) || name.includes('\\') || /\.json$/.test(name),
  );
  if (outside !== undefined)
    fail(`expected file names beside the index, got ${printable(outside)}`);
  if (names.size === 0 || names.size > MAX_PIECES)
    fail(`expected 1 to ${MAX_PIECES} pieces, got ${names.size}`);
  return new Map(entries);
}
