"""Prints how far ONNX's Resize is from Pillow's and OpenCV's on 8-bit pixels, for docs/export.md.

    python test/oracles/resize-in-onnx.py

Run with onnxruntime 1.32.0, Pillow and OpenCV on a picture that is made here.
"""
import cv2
import numpy as np
import onnxruntime
from onnx import helper
from PIL import Image

random = np.random.default_rng(0)
HEIGHT, WIDTH = 375, 500


def resize(image, size, **attributes):
    node = helper.make_node(
        'Resize', ['x', '', '', 's'], ['y'], coordinate_transformation_mode='half_pixel', **attributes
    )
    inputs = [
        helper.make_tensor_value_info('x', 1, list(image.shape)),
        helper.make_tensor_value_info('s', 7, [4]),
    ]
    graph = helper.make_graph([node], 'g', inputs, [helper.make_tensor_value_info('y', 1, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {'x': image, 's': np.array([1, 3, *size], np.int64)})[0]


def planes(image):
    return image.transpose(2, 0, 1)[None].astype(np.float32)


def report(name, found, expected):
    levels = np.abs(np.clip(np.round(found), 0, 255) - planes(expected))
    share = 100 * (levels > 0).mean()
    print(f'{name}: {share:.1f} % of the values differ, by {levels.mean():.3f} on average and {levels.max():.0f} at most')


picture = np.zeros((HEIGHT, WIDTH, 3))
for side in [4, 8, 16, 32, 64]:
    noise = random.integers(0, 256, (-(-HEIGHT // side), -(-WIDTH // side), 3)).astype(np.uint8)
    picture += np.asarray(Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.BILINEAR), float) / 5
picture += random.normal(0, 6, picture.shape)
picture = np.clip(picture, 0, 255).round().astype(np.uint8)
x = planes(picture)

pillow = np.asarray(Image.fromarray(picture).resize((341, 256), Image.BICUBIC))
report('cubic, antialias, -0.5', resize(x, (256, 341), mode='cubic', antialias=1, cubic_coeff_a=-0.5), pillow)
report('cubic', resize(x, (256, 341), mode='cubic'), pillow)
report('linear', resize(x, (256, 341), mode='linear'), pillow)
for size in [(800, 1066), (300, 400)]:
    opencv = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_LINEAR)
    report(f'linear to {size[1]} x {size[0]}, OpenCV', resize(x, size, mode='linear'), opencv)
