"""Writes pillow.json and pillow.u8, the oracle of pil-ops.test.ts: Pillow's own results on two small images.

    python3 generate.py          (Pillow 9.4.0, numpy; seed 7)
"""
import json
import random

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps, __version__

random.seed(7)
W, H = 21, 16
FILL = (124, 116, 104)
noise = np.random.RandomState(7).randint(0, 256, (H, W, 3)).astype(np.uint8)
y, x = np.mgrid[0:H, 0:W]
smooth = np.stack([40 + 6 * x, 200 - 5 * y, 90 + 2 * x + 3 * y], -1).astype(np.uint8)

data, cases = [noise.tobytes(), smooth.tobytes()], []


def affine(image, matrix):
    return image.transform(image.size, Image.AFFINE, matrix, resample=Image.BICUBIC, fillcolor=FILL)


def solarize_add(image, amount):
    table = [min(255, i + amount) if i < 128 else i for i in range(256)]
    return image.point(table * 3)


OPERATIONS = {
    'autoContrast': (lambda im, _: ImageOps.autocontrast(im), [0]),
    'equalize': (lambda im, _: ImageOps.equalize(im), [0]),
    'invert': (lambda im, _: ImageOps.invert(im), [0]),
    'posterize': (lambda im, bits: ImageOps.posterize(im, bits), [0, 1, 4]),
    'solarize': (lambda im, t: ImageOps.solarize(im, t), [0, 26, 128, 256]),
    'solarizeAdd': (solarize_add, [0, 99, 110]),
    'color': (lambda im, f: ImageEnhance.Color(im).enhance(f), [0.1, 0.19, 1.81, 1.9]),
    'contrast': (lambda im, f: ImageEnhance.Contrast(im).enhance(f), [0.1, 0.19, 1.81, 1.9]),
    'brightness': (lambda im, f: ImageEnhance.Brightness(im).enhance(f), [0.1, 0.19, 1.81, 1.9]),
    'sharpness': (lambda im, f: ImageEnhance.Sharpness(im).enhance(f), [0.1, 0.19, 1.81, 1.9]),
    'rotate': (
        lambda im, a: im.rotate(a, resample=Image.BICUBIC, fillcolor=FILL),
        [0.5, -27.3, 30, -30, 14.123],
    ),
    'shearX': (lambda im, f: affine(im, (1, f, 0, 0, 1, 0)), [0.27, -0.3, 0.123]),
    'shearY': (lambda im, f: affine(im, (1, 0, 0, f, 1, 0)), [0.27, -0.3, 0.123]),
    'translateX': (lambda im, p: affine(im, (1, 0, p, 0, 1, 0)), [8.505, -9.45, 3.0, 0.25]),
    'translateY': (lambda im, p: affine(im, (1, 0, 0, 0, 1, p)), [6.48, -7.2, 3.0, 0.25]),
    'general': (lambda im, k: affine(im, (0.9, k, 1.5, -0.2, 1.1, -2.25)), [0.31]),
}
for name, (operation, arguments) in OPERATIONS.items():
    for argument in arguments:
        for source, pixels in enumerate((noise, smooth)):
            result = np.asarray(operation(Image.fromarray(pixels), argument))
            cases.append({'operation': name, 'argument': argument, 'source': source})
            data.append(result.tobytes())

json.dump(
    {'pillow': __version__, 'width': W, 'height': H, 'fill': FILL, 'cases': cases},
    open('pillow.json', 'w'),
    indent=1,
)
open('pillow.u8', 'wb').write(b''.join(data))
