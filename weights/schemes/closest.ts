import { printable } from '../../core/printable.js';
import { SCHEMES, toOfficialName, type SourceScheme } from './names.js';

/** Number of names that a message lists. */
const LISTED = 8;

/** Remedy for a file of unknown names. */
export const REMEDY =
  'save the state_dict() of a ConvNeXt V1 or V2, or rename its tensors (convnextv2 weights inspect FILE --tensors lists them)';

/** Names of layers that training libraries put around or in place of others, with the remedy. */
const REPLACED: readonly (readonly [RegExp, string])[] = [
  [
    /\.(base_layer|lora_[AB]|lora_embedding_[AB]|lora_magnitude_vector)\./,
    'merge the adapters before saving (model.merge_and_unload())',
  ],
  [
    /\.parametrizations\.|\.weight_(g|v|orig|mask)$/,
    'remove weight norms, spectral norms and pruning before saving (torch.nn.utils.parametrize.remove_parametrizations, prune.remove)',
  ],
  [/\._packed_params\b/, 'save the model before it is quantized'],
  [
    /^\d+\./,
    'names that begin with numbers are those of an nn.Sequential, such as one of model.children(): save the state_dict() of the model itself',
  ],
];

/** Remedy for unknown names. */
const remedyOf = (unknown: readonly string[]): string =>
  REPLACED.find(([pattern]) => unknown.some((name) => pattern.test(name)))?.[1] ?? REMEDY;

/** Remedy for a file whose names are all known but whose tensors make no network. */
const OTHER_NETWORK =
  'the file is incomplete, or of a variant with other layers; save the whole state_dict() of a ConvNeXt V1 or V2';

/**
 * Describes for a message which scheme fits unknown names best, how many of them it has and the first that it lacks; and
 * what to do.
 *
 * @param names of all tensors
 */
export function describeClosest(names: readonly string[]): string {
  const schemes = Object.keys(SCHEMES) as SourceScheme[];
  const numMissing = (scheme: SourceScheme): number => unknownNames(names, scheme).length;
  const [closest] = schemes
    .map((scheme) => [numMissing(scheme), scheme] as const)
    .sort(([a], [b]) => a - b);
  return closest[0] === names.length
    ? `no known scheme has any of the ${names.length} names; ${remedyOf(names)}`
    : `closest: ${describeNames(names, closest[1])}`;
}

/** Describes for a message how many names a scheme has and the first that it lacks; and what to do. */
export function describeNames(names: readonly string[], scheme: SourceScheme): string {
  const unknown = unknownNames(names, scheme);
  const { title } = SCHEMES[scheme];
  const counts = `${names.length - unknown.length} of ${names.length} names are ${title}`;
  return unknown.length > 0
    ? `${counts}, not ${listed(unknown)}; ${remedyOf(unknown)}`
    : `${counts}; ${OTHER_NETWORK}`;
}

/** The first texts of a list, and how many more there are. */
export function listed(texts: readonly string[], separator = ', '): string {
  const shown = texts.slice(0, LISTED).map(printable).join(separator);
  const more = texts.length - LISTED;
  return more > 0 ? `${shown}${separator}and ${more} more` : shown;
}

const ENCODER_NAME = /^(downsample_layers|stages)\./;

/** The names that a scheme lacks; names of the encoder may stand behind any prefix. */
function unknownNames(names: readonly string[], scheme: SourceScheme): readonly string[] {
  return names.filter((name) => {
    for (let rest = name; ; rest = rest.slice(rest.indexOf('.') + 1)) {
      const official = toOfficialName(rest, scheme);
      if (official !== undefined && (rest === name || ENCODER_NAME.test(official))) return false;
      if (!rest.includes('.')) return true;
    }
  });
}
