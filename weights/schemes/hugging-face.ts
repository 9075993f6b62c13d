/** Names of transformers' UPerNet heads: those of mmsegmentation on the left. */
const UPERNET_HEADS: readonly (readonly [RegExp, string])[] = [
  [/^(decode_head|auxiliary_head)\.classifier\./, '$1.conv_seg.'],
  [/^((?:decode_head|auxiliary_head)\..*)\.batch_norm\./, '$1.bn.'],
];

/** Converts a name of transformers' UPerNet heads to that of mmsegmentation; others are kept. */
export function fromHuggingFaceUperNet(name: string): string {
  return UPERNET_HEADS.reduce((text, [pattern, to]) => text.replace(pattern, to), name);
}

/** Inverse of {@link fromHuggingFaceUperNet}. */
export function toHuggingFaceUperNet(name: string): string {
  return name
    .replace(/^(decode_head|auxiliary_head)\.conv_seg\./, '$1.classifier.')
    .replace(/^((?:decode_head|auxiliary_head)\..*)\.bn\./, '$1.batch_norm.');
}
