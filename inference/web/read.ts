import { WeightsError } from '../../core/errors.js';
import { schemaFault } from '../../core/schema-fault.js';
import { sameShape } from '../../core/shape.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { parseHeader } from '../../io/safetensors/header.js';
import { decodeValues, toFloat32 } from '../../io/tensor.js';
import { checkedCard } from '../card.js';
import type { LoadedModel } from '../model.js';
import { assertNetwork, networkOf, WEB_FORMAT, type WebMetadata } from './format.js';

/** Bytes before the header, which give its length. */
const PREFIX_BYTES = 8;

/**
 * Reads a model file that `export --web` wrote.
 *
 * @param bytes the whole file, at the start of its buffer
 * @param file name for messages
 * @throws WeightsError if it is another or damaged file
 */
export function readWebModel(bytes: Uint8Array<ArrayBuffer>, file: string): LoadedModel {
  const { entries, metadata, dataStart } = headerOf(bytes, file);
  const { format, card: cardText, network } = metadata as Partial<WebMetadata>;
  if (format !== WEB_FORMAT || cardText === undefined || network === undefined)
    throw WeightsError.in(
      file,
      `expected a model written by convnextv2 export --web, got ${format === undefined ? 'another safetensors file' : `format ${format}`}`,
    );
  const card = checkedCard(file, parsed(cardText, file), {
    source: 'the file',
    faultOf: schemaFault,
  });
  if (card.task === 'pretrain')
    throw WeightsError.in(file, 'expected a model that predicts, got a masked autoencoder');
  const config = parsed(network, file);
  assertNetwork(file, card, config);
  const model = networkOf(card, config);
  const store = new ParameterStore(model.specs);
  for (const { path, spec } of store.entries) {
    const entry = entries.get(path);
    if (!entry || !sameShape(entry.shape, spec.shape))
      throw WeightsError.in(file, `expected tensor "${path}" of [${spec.shape.join(', ')}]`, {
        id: path,
      });
    // A copy, because the elements of some types must be aligned.
    const raw = bytes.slice(dataStart + entry.start, dataStart + entry.end);
    store.get(path).set(toFloat32(decodeValues(entry.dtype, raw, { file, name: path })));
  }
  return { file, card, model, store } as LoadedModel;
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw WeightsError.in(file, 'expected metadata in JSON, got a damaged file', { cause });
  }
}

function headerOf(
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
): ReturnType<typeof parseHeader> & { readonly dataStart: number } {
  const length =
    bytes.length < PREFIX_BYTES
      ? Infinity
      : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const dataStart = PREFIX_BYTES + length;
  if (dataStart > bytes.length)
    throw WeightsError.in(
      file,
      `expected a safetensors file, got ${bytes.length} bytes that are none or were cut off`,
    );
  const text = new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, dataStart));
  return { ...parseHeader(file, text, bytes.length - dataStart), dataStart };
}
