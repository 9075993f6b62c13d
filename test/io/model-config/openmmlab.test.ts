import { expect, test } from 'vitest';
import { openMmlabConfig } from '../../../io/model-config/openmmlab.js';
import { pythonAssignments } from '../../../io/model-config/python-literals.js';

test('literals of Python are read, and nothing else', () => {
  const text = `
# a comment, with = signs
a = dict(type='x', n=[1, -2.5, 1e-05, ], t=(3, ), none=None, yes=True, **rest)
b = {'k': {"l": "it's \\'so\\'"}, 4: False}
c = float('inf')
d = lambda x: x
g = 3 * 4
h = toString
e = [dict(f=3), 'two' # of them
    , r'\\raw', '''long
text''']
a = dict(n=[7], later=1)
`;
  expect(pythonAssignments(text)).toEqual({
    b: { k: { l: "it's 'so'" }, 4: false },
    e: [{ f: 3 }, 'two', '\\raw', 'long\ntext'],
    a: { type: 'x', n: [7], t: [3], none: null, yes: true, later: 1 },
  });
  expect(
    pythonAssignments("a = dict(x=1, y=dict(z=2))\na = dict(y=dict(w=3), v=f('a', b=2))"),
  ).toEqual({
    a: { x: 1, y: { z: 2, w: 3 }, v: undefined },
  });
});

test.each(['', '/home/me/config.py', 'a = [', "a = 'open", 'a = {1, 2}', `a = ${'['.repeat(100)}`])(
  'the text %j has no assignments',
  (text) => {
    expect(pythonAssignments(text)).toEqual({});
  },
);

test('a text that could be read again and again is given up', () => {
  const text = 'a = [\n'.repeat(2 ** 17);
  const start = performance.now();
  expect(pythonAssignments(text)).toEqual({});
  expect(pythonAssignments(`${'b = (1,\n'.repeat(2 ** 16)}?`)).toEqual({});
  expect(performance.now() - start).toBeLessThan(5000);
});

const DETECTOR = `
data_preprocessor = dict(mean=[1, 1, 1], std=[1, 1, 1])
model = dict(
    data_preprocessor=dict(
        bgr_to_rgb=True,
        mean=[
            123.675,
            116.28,
            127.5,
        ],
        std=[
            58.395,
            57.12,
            51,
        ],
        type='DetDataPreprocessor'),
    rpn_head=dict(
        anchor_generator=dict(
            ratios=[1.0, 2.0], scales=[4], strides=[4, 8, 16, 32, 64], type='AnchorGenerator')),
    test_cfg=dict(rcnn=dict(max_per_img=300, nms=dict(iou_threshold=0.4, type='soft_nms'), score_thr=0.01)))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(keep_ratio=True, scale=(640, 480), type='Resize'),
]
`;

test('a detector of mmdetection 3: pixels, size and anchors', () => {
  expect(openMmlabConfig(DETECTOR)).toEqual({
    pixels: { mean: [0.485, 0.456, 0.5], std: [0.229, 0.224, 0.2] },
    limits: { long: 640, short: 480 },
    anchors: { ratios: [1, 2], scales: [4], strides: [4, 8, 16, 32, 64] },
    detections: {
      scoreThreshold: 0.01,
      suppression: { isSoft: true, iouThreshold: 0.4 },
      maxPerImage: 300,
    },
    alignCorners: false,
  });
  const other = DETECTOR.replace('keep_ratio=True', 'keep_ratio=False').replace('=True', '=False');
  expect(openMmlabConfig(other)).toMatchObject({ limits: undefined, isBgr: true });
});

test('a segmenter of mmsegmentation 0.x: windows, scales and several sizes', () => {
  const text = `
img_norm_cfg = dict(mean=[127.5, 127.5, 127.5], std=[51, 51, 51], to_rgb=True)
model = dict(
    decode_head=dict(type='UPerHead', pool_scales=(1, 2, 5), align_corners=True),
    test_cfg=dict(mode='slide', crop_size=(640, 640), stride=(426, 426)))
data = dict(test=dict(pipeline=[
    dict(type='MultiScaleFlipAug', img_scale=(2560, 640), flip=False, transforms=[
        dict(type='Resize', keep_ratio=True),
        dict(type='Normalize', **img_norm_cfg)])]))
`;
  expect(openMmlabConfig(text)).toEqual({
    pixels: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
    limits: { long: 2560, short: 640 },
    window: { cropSize: 640, stride: 426 },
    poolScales: [1, 2, 5],
    alignCorners: true,
  });
});

test('a classifier of mmpretrain: its crop', () => {
  const text = `test_dataloader = dict(dataset=dict(pipeline=[
    dict(type='ResizeEdge', scale=236, edge='short'), dict(type='CenterCrop', crop_size=224)]))`;
  expect(openMmlabConfig(text)).toEqual({
    crop: { inputSize: 224, cropFraction: 224 / 236 },
    alignCorners: false,
  });
  const old = `test_pipeline = [dict(type='Resize', size=(256, -1)), dict(type='CenterCrop', crop_size=224)]`;
  expect(openMmlabConfig(old).crop).toEqual({ inputSize: 224, cropFraction: 0.875 });
});
