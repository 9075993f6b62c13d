import type { OnnxAttribute, OnnxGraph, OnnxInitializer, OnnxNode, OnnxValue } from './graph.js';
import { ONNX_TYPE } from './graph.js';
import { ProtobufWriter } from '../../io/protobuf/writer.js';

/** Version of the file format by opset: older runtimes refuse newer ones. */
const irVersion = (opset: number): number => (opset >= 21 ? 10 : opset >= 19 ? 9 : 8);
/** AttributeProto.AttributeType */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/**
 * Serializes a graph as an ONNX model.
 *
 * @returns the bytes of a `ModelProto`
 * @throws InputError above protobuf's limit of 2 GiB
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers)
 */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const weights = graph.initializers.reduce((bytes, { data }) => bytes + data.byteLength, 0);
  const out = new ProtobufWriter(weights + 256 * graph.nodes.length + 65_536);
  out.int(1, irVersion(graph.opsets['']));
  out.text(2, 'convnextv2');
  out.message(7, () => {
    for (const node of graph.nodes) out.message(1, () => writeNode(out, node));
    out.text(2, graph.name);
    for (const tensor of graph.initializers) out.message(5, () => writeTensor(out, tensor));
    for (const input of graph.inputs) out.message(11, () => writeValueInfo(out, input));
    for (const output of graph.outputs) out.message(12, () => writeValueInfo(out, output));
    for (const value of intermediates(graph)) out.message(13, () => writeValueInfo(out, value));
  });
  for (const [domain, version] of Object.entries(graph.opsets)) {
    out.message(8, () => {
      out.text(1, domain);
      out.int(2, version);
    });
  }
  for (const [key, value] of Object.entries(graph.metadata ?? {})) {
    out.message(14, () => {
      out.text(1, key);
      out.text(2, value);
    });
  }
  return out.finish();
}

/** Results whose sizes ONNX Runtime cannot determine because the graph is for inputs of any size. */
function intermediates({ inputs, outputs, values = [] }: OnnxGraph): readonly OnnxValue[] {
  if (!inputs.some(({ shape }) => shape.includes(-1))) return [];
  const ends = new Set(outputs.map(({ name }) => name));
  return values.filter(({ name }) => !ends.has(name));
}

function writeNode(out: ProtobufWriter, node: OnnxNode): void {
  for (const name of node.inputs) out.text(1, name);
  for (const name of node.outputs) out.text(2, name);
  out.text(3, node.name);
  out.text(4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    out.message(5, () => writeAttribute(out, name, attribute));
  }
  if (node.domain !== '') out.text(7, node.domain);
}

function writeAttribute(out: ProtobufWriter, name: string, attribute: OnnxAttribute): void {
  out.text(1, name);
  switch (attribute.kind) {
    case 'float':
      out.float(2, attribute.value);
      break;
    case 'int':
      out.int(3, attribute.value);
      break;
    case 'string':
      out.text(4, attribute.value);
      break;
    case 'ints':
      out.packedInts(8, attribute.value);
      break;
    default:
      attribute satisfies never;
  }
  out.int(20, ATTRIBUTE_TYPE[attribute.kind]);
}

function writeTensor(out: ProtobufWriter, { name, shape, type, data }: OnnxInitializer): void {
  out.packedInts(1, shape);
  out.int(2, ONNX_TYPE[type]);
  out.text(8, name);
  out.raw(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValueInfo(out: ProtobufWriter, { name, shape, type, axes = [] }: OnnxValue): void {
  out.text(1, name);
  out.message(2, () => {
    out.message(1, () => {
      out.int(1, ONNX_TYPE[type]);
      out.message(2, () => {
        shape.forEach((size, i) =>
          out.message(1, () => {
            const axis = axes[i];
            // A dimension without a value may have any size.
            if (size >= 0) out.int(1, size);
            else if (axis !== undefined) out.text(2, axis);
          }),
        );
      });
    });
  });
}
