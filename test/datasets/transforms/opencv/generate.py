"""Writes hsv.u8, the oracle of photometric.test.ts: OpenCV's own 8-bit conversions.

    python3 generate.py          (OpenCV 4.6.0, numpy; seed 7)

Four blocks of 256 pixels: RGB, its HSV; HSV, its RGB. 256 is a multiple of every vector length.
"""
import cv2
import numpy as np

random = np.random.RandomState(7)
rgb = random.randint(0, 256, (1, 256, 3)).astype(np.uint8)
rgb[0, :6] = [[0, 0, 0], [255, 255, 255], [9, 9, 9], [255, 0, 0], [0, 255, 0], [0, 0, 255]]
hsv = random.randint(0, 256, (1, 256, 3)).astype(np.uint8)
hsv[..., 0] %= 180
with open('hsv.u8', 'wb') as file:
    for block in (
        rgb,
        cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV),
        hsv,
        cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB),
    ):
        file.write(block.tobytes())
