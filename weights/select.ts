import { WeightsMismatchError } from '../core/errors.js';
import * as rule from '../core/options.js';
import { checkpointGroup, isCheckpoint } from './checkpoint-layout.js';
import type { LazyTensor, TensorMap, TensorSource } from '../io/tensor.js';
import { listed, REMEDY } from './schemes/closest.js';
import { findNetworks, type FoundNetwork } from './schemes/names.js';

/** Choice between trained weights and their exponential moving average (EMA). */
export type Which = 'model' | 'model_ema';

/** Rule of options that are a {@link Which}. */
export const A_WHICH = rule.oneWord('model', 'model_ema');

/** Keys used by training scripts, in order of preference. */
const GROUPS: Readonly<Record<Which, readonly string[]>> = {
  model: ['model', 'state_dict', 'model_state_dict', 'net', 'weights', 'network', 'params'],
  model_ema: ['model_ema', 'state_dict_ema', 'ema_state_dict', 'ema', 'model_ema_state_dict'],
};

/** Groups of our own checkpoints. */
const CHECKPOINT_GROUPS: Readonly<Record<Which, string>> = { model: 'weights', model_ema: 'ema' };

/** Components of names that mark a moving average. */
const AVERAGE = /(^|[._])(ema|swa|averaged?|teacher|momentum)([._]|$)/;

/** The chosen state dict. */
export interface Selection {
  /** Its key in the file; `''` if the file itself is the state dict. */
  readonly group: string;
  /** Prefix of wrappers before all names, with a dot at its end (`module.`, `model._orig_mod.`); or empty. */
  readonly prefix: string;
  /** Names without key and prefix, PyTorch's axis order. */
  readonly tensors: TensorMap;
  /** Names of the group that do not have the prefix, e.g. the text tower beside the trunk of open_clip. */
  readonly leftOut: readonly string[];
}

/**
 * Chooses the state dict of a file: the network that is found in it, under whatever keys and prefixes; or its EMA. Without
 * a known network: `model`, `state_dict` or the file itself.
 *
 * @param which default: the trained weights, or the EMA if there are no others
 * @throws WeightsError if the file has no such weights; the message lists those it has
 */
export function selectWeights(source: TensorSource, which?: Which): Selection {
  const { file } = source;
  const wanted = which ?? 'model';
  if (isCheckpoint(source)) {
    const group = CHECKPOINT_GROUPS[wanted];
    const tensors = checkpointGroup(source, group);
    if (tensors.size > 0) return { group, prefix: '', tensors, leftOut: [] };
  } else {
    const all = withoutWrappers(source.tensors);
    const network = chooseNetwork(file, all, which);
    if (network) return selectionOf(all, network);
    const isKnown = findNetworks(all.keys()).length > 0;
    const group = isKnown ? undefined : groupOf(all, wanted);
    if (group !== undefined) {
      const tensors = group === '' ? all : subtree(all, group);
      return { group, prefix: '', tensors, leftOut: [] };
    }
  }
  const groups = [...new Set([...source.tensors.keys()].map((name) => name.split('.')[0]))];
  throw WeightsMismatchError.in(
    file,
    `expected weights "${wanted}", got ${groups.length > 0 ? `[${groups.join(', ')}]` : `no tensors; ${REMEDY}`}`,
  );
}

/** Parts of a network, inside of which training wraps single blocks: compiled, sharded, computed again. */
const PART =
  /(^|\.)(stem|stages|downsample_layers|features|embeddings|head|classifier|norm|layernorm)[._]/;
const WRAPPER =
  /\.(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)(?=\.)/g;

/** Counters of operations that profilers (thop) leave at every layer. */
const COUNTER = /(^|\.)total_(ops|params)$/;

/**
 * Names without the wrappers of single blocks; those of the whole network are its prefix. Counters of profilers are left
 * out.
 */
function withoutWrappers(tensors: TensorMap): TensorMap {
  const weights = [...tensors].filter(([name]) => !COUNTER.test(name));
  const place = placeOfBareFeatures(tensors);
  const renamed = weights.map(([given, tensor]) => {
    const layer = place !== undefined && given.startsWith(place) ? given.slice(place.length) : '';
    const name = /^\d/.test(layer) ? `${place}features.${layer}` : given;
    const at = PART.exec(name)?.index;
    if (at === undefined) return [name, tensor] as const;
    const inner = name.slice(at).replace(WRAPPER, '');
    const bare = name.slice(0, at) + inner;
    return [bare !== name && tensors.has(bare) ? name : bare, tensor] as const;
  });
  return new Map(renamed);
}

/** The first convolution and a block of torchvision's `features` without that name: of a backbone of its detectors. */
const BARE_STEM = /(^|\.)0\.0\.weight$/;
const BARE_BLOCK = '1.0.block.0.weight';

/** Prefix of torchvision's layers that stand alone (`backbone.body.1.0.block.0.weight`); undefined without. */
function placeOfBareFeatures(tensors: TensorMap): string | undefined {
  for (const name of tensors.keys()) {
    if (!BARE_STEM.test(name)) continue;
    const prefix = name.slice(0, -'0.0.weight'.length);
    if (!/(^|\.)features\.$/.test(prefix) && tensors.has(prefix + BARE_BLOCK)) return prefix;
  }
  return undefined;
}

/** The network to take. @throws WeightsError if several could be meant */
function chooseNetwork(
  file: string,
  tensors: TensorMap,
  which: Which | undefined,
): FoundNetwork | undefined {
  const all = findNetworks(tensors.keys());
  const averages = all.filter(({ prefix }) => AVERAGE.test(prefix));
  const trained = all.filter((network) => !averages.includes(network));
  if (which === 'model_ema') return single(file, averages, GROUPS.model_ema);
  if (trained.length > 0) return single(file, trained, GROUPS.model);
  return which === undefined ? single(file, averages, GROUPS.model_ema) : undefined;
}

/** The only network, or the one under the most usual key. */
function single(
  file: string,
  found: readonly FoundNetwork[],
  keys: readonly string[],
): FoundNetwork | undefined {
  if (found.length < 2) return found.at(0);
  for (const key of keys) {
    const under = found.filter(({ prefix }) => prefix.startsWith(`${key}.`));
    if (under.length === 1) return under[0];
  }
  const whole = found.filter(({ prefix }) => prefix === '' || prefix === 'backbone.');
  if (whole.length === 1) return whole[0];
  const places = found.map(({ prefix }) => prefix || '(no prefix)');
  throw WeightsMismatchError.in(
    file,
    `expected the weights of one network, got those of ${found.length} (${listed(places)}); save the one that is meant alone`,
  );
}

/** Components that belong to a scheme's own names, because a head stands beside them. */
const OWN = /(^|\.)(backbone|encoder|convnext(v2)?)\.$/;

function selectionOf(tensors: TensorMap, { prefix: place }: FoundNetwork): Selection {
  const root = OWN.test(place) ? place.replace(/[^.]+\.$/, '') : place;
  const selected = new Map<string, LazyTensor>();
  const leftOut: string[] = [];
  const group = [...GROUPS.model, ...GROUPS.model_ema].find((key) => root.startsWith(`${key}.`));
  for (const [name, tensor] of tensors) {
    if (name.startsWith(root)) selected.set(name.slice(root.length), tensor);
    else if (group === undefined || name.startsWith(`${group}.`)) leftOut.push(name);
  }
  const prefix = group === undefined ? root : root.slice(group.length + 1);
  return { group: group ?? '', prefix, tensors: selected, leftOut };
}

/** The key of a state dict that is not a known network: a usual one, the only one, or `''` for the file itself. */
function groupOf(tensors: TensorMap, which: Which): string | undefined {
  const hasGroup = (group: string): boolean =>
    [...tensors.keys()].some((name) => name.startsWith(`${group}.`));
  const group = GROUPS[which].find(hasGroup);
  return group ?? (which === 'model' && tensors.size > 0 ? '' : undefined);
}

/** Selects the tensors whose names begin with `group.`, and removes that prefix. */
export function subtree(tensors: TensorMap, group: string): TensorMap {
  const prefix = `${group}.`;
  return new Map(
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
