"""Checks the files of exported-files.mjs: onnx.checker with full shape inference, and equal results in onnxruntime and OpenVINO.

    python test/oracles/exported-files.py FOLDER [ARCHITECTURE]

Prints the largest differences from this library's results by architecture and precision (of int8, from onnxruntime-node's),
and exits with 1 if a file is invalid or a difference too large. Files for any number of images also run on three, of which
one is mirrored: each has to give what it gives alone. Of int8 detectors, OpenVINO's networks are compared one by one, see
network_pairs. Run with onnx 1.23.2, onnxruntime 1.32.0 and openvino 2026.4.1.
"""
import json, sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino

FOLDER = Path(sys.argv[1])
ONLY = sys.argv[2] if len(sys.argv) > 2 else ''
# Of values, scores and masks; boxes in pixels; detections without a counterpart; pixels of another class.
LIMITS = {
    'fp32': {'value': 1e-4, 'boxes': 1e-2, 'missing': 0, 'labels': 0},
    'fp16': {'value': 1e-2, 'boxes': 1, 'missing': 0.05, 'labels': 0.01},
    'int8': {'value': 1e-2, 'boxes': 1, 'missing': 0.2, 'labels': 0.01},
}
# Of the outputs of the networks of a detector in int8, as a part of the largest value: of backbone and pyramid, and of heads.
NETWORK_LIMITS = {'features': 0.1, 'heads': 0.02}


def tensor(entry):
    return np.fromfile(FOLDER / entry['file'], entry['type']).reshape(entry['shape'])


def in_onnxruntime(file):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    file = file if isinstance(file, bytes) else str(file)
    session = onnxruntime.InferenceSession(file, options, providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs)))


CORE = openvino.Core()


def in_openvino(file):
    hints = {'INFERENCE_PRECISION_HINT': 'f32', 'EXECUTION_MODE_HINT': 'ACCURACY'}
    model = CORE.read_model(file if isinstance(file, bytes) else str(file))
    compiled = CORE.compile_model(model, 'CPU', hints)

    def run(inputs):
        found = compiled(inputs)
        # An output may have more names than the one in the file.
        return {name: np.array(found[output]) for output in compiled.outputs for name in output.names}

    return run


def detections(found, expected):
    """Largest differences of detections that are matched by class, score and box."""
    worst = defaultdict(float)
    for n, count in enumerate(expected['count']):
        taken = set()
        for d in range(count):
            rows = [
                r
                for r in range(int(found['count'][n]))
                if r not in taken and found['classes'][n, r] == expected['classes'][n, d]
            ]
            if not rows:
                continue
            apart = [np.abs(found['boxes'][n, r] - expected['boxes'][n, d]).max() for r in rows]
            r = rows[int(np.argmin(apart))]
            if min(apart) > 2 or abs(found['scores'][n, r] - expected['scores'][n, d]) > 0.02:
                continue
            taken.add(r)
            worst['boxes'] = max(worst['boxes'], float(min(apart)))
            for key in ['scores', 'masks']:
                difference = np.abs(found[key][n, r] - expected[key][n, d]).max()
                worst['value'] = max(worst['value'], float(difference))
        missing = max(int(count), int(found['count'][n])) - len(taken)
        worst['missing'] = max(worst['missing'], missing / max(int(count), 1))
    return worst


def values(found, expected, is_relative=False):
    """Largest differences; of logits of int8, whose steps grow with the range, as a part of the largest one."""
    worst = defaultdict(float)
    for key, ours in expected.items():
        theirs = found[key]
        assert theirs.shape == ours.shape, f'{key}: expected {ours.shape}, got {theirs.shape}'
        if key == 'labels':
            worst['labels'] = float((theirs != ours).mean())
        else:
            size = max(1, float(np.abs(ours).max())) if is_relative else 1
            worst['value'] = max(worst['value'], float(np.abs(theirs - ours).max()) / size)
    return worst


def limits(entry, runtime):
    """OpenVINO adds in another order, so that single bytes between layers are others, and logits differ more. None where
    differences are only printed: see network_pairs."""
    own = LIMITS[entry['precision']]
    if entry['precision'] != 'int8' or runtime != 'openvino':
        return own
    return None if entry['task'] == 'detect' else {**own, 'value': 0.05}


def networks_of(graph):
    """Nodes, inputs and outputs of each network between a detector's decisions, by its name."""
    constants = {constant.name for constant in graph.initializer}
    networks = defaultdict(list)
    for node in graph.node:
        if node.output[0].startswith(('features/', 'box_head_', 'mask_head_')):
            networks[node.output[0].split('/')[0]].append(node)
    for name, nodes in networks.items():
        own = [output for node in nodes for output in node.output]
        outside = {value for node in graph.node if node.output[0] not in own for value in node.input}
        used = dict.fromkeys(value for node in nodes for value in node.input if value)
        starts = [value for value in used if value not in own and value not in constants]
        yield name, nodes, starts, [value for value in own if value in outside]


def network_pairs(path, inputs):
    """Outputs of each network of a detector in OpenVINO and in onnxruntime, from the same inputs.

    A sum that differs in its last bit may round to the next byte, and then all that follows differs by a percent. A detector
    with random weights has scores so alike that other boxes win then: as many as if one pixel of the picture differed by one
    level, or as in onnxruntime without its optimizations. So the networks between its decisions are compared instead.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    graph = model.graph
    networks = list(networks_of(graph))
    types = {value.name: value.type.tensor_type.elem_type for value in [*graph.value_info, *graph.input]}
    tensor_info = onnx.helper.make_tensor_value_info
    for value in {value for _, _, starts, _ in networks for value in starts if value not in inputs}:
        graph.output.append(tensor_info(value, types[value], None))
    values = {**inputs, **in_onnxruntime(model.SerializeToString())(inputs)}
    for name, nodes, starts, outputs in networks:
        used = {value for node in nodes for value in node.input}
        weights = [constant for constant in graph.initializer if constant.name in used]
        # OpenVINO knows one of numpy's two types of int64.
        own = {value: values[value].view(values[value].dtype.name) for value in starts}
        ends = [tensor_info(value, types[value], own[value].shape) for value in starts], [
            tensor_info(value, types[value], None) for value in outputs
        ]
        network = onnx.helper.make_graph(nodes, name, *ends, weights)
        part = onnx.helper.make_model(network, opset_imports=model.opset_import, ir_version=model.ir_version)
        found, expected = [opened(part.SerializeToString())(own) for opened in (in_openvino, in_onnxruntime)]
        yield from (({output: found[output]}, {output: expected[output]}) for output in outputs)


def image_of(outputs, n):
    return {name: values[n : n + 1] for name, values in outputs.items()}


def comparisons(run, inputs, expected, entry):
    """Pairs of found and expected outputs: as they are, and of three images at a time."""
    yield run(inputs), expected
    if 'batch' in entry or entry.get('raw'):
        return
    image = inputs['image']
    mirrored = np.ascontiguousarray(image[..., ::-1] if entry.get('layout') == 'nchw' else image[:, :, ::-1])
    three = run({'image': np.concatenate([image, mirrored, image])})
    alone = run({'image': mirrored})
    for n, wanted in enumerate([expected, alone, expected]):
        yield image_of(three, n), wanted


results = defaultdict(lambda: defaultdict(float))
failures = []
num_files = 0
for entry in json.loads((FOLDER / 'manifest.json').read_text()):
    if ONLY and entry['architecture'] != ONLY:
        continue
    path = FOLDER / f"{entry['name']}.onnx"
    num_files += 1
    model = onnx.load(path)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        failures.append(f"{entry['name']}: checker: {error}")
    metadata = {item.key: item.value for item in model.metadata_props}
    if metadata.get('task') != entry['task'] or len(json.loads(metadata['names'])) != 3:
        failures.append(f"{entry['name']}: metadata {metadata}")
    for runtime, opened in {'onnxruntime': in_onnxruntime, 'openvino': in_openvino}.items():
        try:
            run = opened(path)
            for pair in entry['runs']:
                inputs = {key: tensor(value) for key, value in pair['inputs'].items()}
                expected = {key: tensor(value) for key, value in pair['expected'].items()}
                is_bytes = entry['precision'] == 'int8'
                compare = detections if entry['task'] == 'detect' else partial(values, is_relative=is_bytes)
                most = limits(entry, runtime)
                line = results[entry['architecture'], entry['precision'], runtime]
                for found, wanted in comparisons(run, inputs, expected, entry):
                    for key, value in compare(found, wanted).items():
                        line[key] = max(line[key], value)
                        if most and value > most[key]:
                            failures.append(f"{entry['name']}: {runtime}: {key} {value:.3g}")
                for found, wanted in [] if most else network_pairs(path, inputs):
                    value, output = values(found, wanted, is_relative=True)['value'], next(iter(found))
                    key = 'features' if output.startswith('features/') else 'heads'
                    line[key] = max(line[key], value)
                    if not value <= NETWORK_LIMITS[key]:
                        failures.append(f"{entry['name']}: {runtime}: {output} {value:.3g}")
        except Exception as error:
            failures.append(f"{entry['name']}: {runtime}: {str(error)[:400]}")

print(f'{num_files} files; onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, openvino {openvino.__version__}')
for key, line in results.items():
    print(*key, ', '.join(f'{name} {value:.1e}' for name, value in line.items()))
print(*failures, sep='\n')
sys.exit(1 if failures else 0)
