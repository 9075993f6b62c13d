"""Scores detections that are made from annotations of LVIS (moved, of wrong categories, of nothing) with the package lvis.

    python test/oracles/lvis-sample.py lvis_val_100.json results.json
    convnextv2 score lvis --gt lvis_val_100.json --dt results.json --type segm [--fixed] --json

The first writes the results and prints the numbers that the second has to give. lvis_val_100.json, 100 annotated images, is in the
folder data of the repository lvis-dataset/lvis-api; the package does not contain it. Run with lvis 0.5.3 and pycocotools 2.0.11.
"""
import copy, json, random, sys
import numpy as np

np.float = float  # the package is older than numpy 1.24
from lvis import LVIS, LVISEval, LVISResults
from pycocotools import mask as coco_mask

ANNOTATIONS, RESULTS = sys.argv[1:]
random.seed(1)
truth = json.load(open(ANNOTATIONS))
sizes = {image['id']: (image['height'], image['width']) for image in truth['images']}
categories = [category['id'] for category in truth['categories']]
annotated = sorted({annotation['category_id'] for annotation in truth['annotations']})
results = []


def add(image_id, category_id, polygons, score):
    height, width = sizes[image_id]
    rle = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    box = [float(value) for value in coco_mask.toBbox(rle)]
    segmentation = {'size': rle['size'], 'counts': rle['counts'].decode()}
    results.append({'image_id': image_id, 'category_id': category_id, 'bbox': box, 'score': score, 'segmentation': segmentation})


for annotation in truth['annotations']:
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        _, _, w, h = annotation['bbox']
        height, width = sizes[annotation['image_id']]
        moves, limits = (random.gauss(0, 0.08) * w, random.gauss(0, 0.08) * h), (width, height)
        polygons = [[min(max(v + moves[i % 2], 0), limits[i % 2]) for i, v in enumerate(p)] for p in annotation['segmentation']]
        chance = random.random()
        wrong = random.choice(annotated) if chance < 0.15 else random.choice(categories) if chance < 0.2 else None
        add(annotation['image_id'], wrong or annotation['category_id'], polygons, round(random.random(), 3))
# More than 300 in the first image.
for i, (image_id, (height, width)) in enumerate(sizes.items()):
    for _ in range(400 if i == 0 else 20):
        x, y = random.uniform(0, width - 20), random.uniform(0, height - 20)
        x2, y2 = random.uniform(x + 5, width), random.uniform(y + 5, height)
        add(image_id, random.choice(annotated), [[x, y, x2, y, x2, y2, x, y2]], round(random.random() ** 2, 3))
random.shuffle(results)
json.dump(results, open(RESULTS, 'w'))
print(f'{len(sizes)} images, {len(truth["annotations"])} annotations of {len(annotated)} categories, {len(results)} detections')
for iou_type in ('bbox', 'segm'):
    for name, most in (('', 300), (' --fixed', -1)):
        ground_truth = LVIS(ANNOTATIONS)
        run = LVISEval(ground_truth, LVISResults(ground_truth, copy.deepcopy(results), max_dets=most), iou_type)
        run.run()
        print(f'{iou_type}{name}', ' '.join(f'{key} {float(value)}' for key, value in run.get_results().items()))
