"""Makes test/fixtures/metrics/lvis.json: AP of made-up LVIS annotations and detections, boxes and masks, by the package lvis.

    python test/oracles/lvis-scores.py test/fixtures/metrics/lvis.json

The problems, made up here with rules of all kinds, are stored with the results. The committed file was made with lvis 0.5.3 and
pycocotools 2.0.11. The limits are those of LVIS, fewer detections of an image, and for fixed AP fewer of a category (Dave et al.
2021: the package without limit of an image, after each category was cut).
"""
import copy, json, random, sys
import numpy as np

np.float = float  # the package is older than numpy 1.24
from lvis import LVIS, LVISEval, LVISResults

PER_IMAGE, PER_CATEGORY = 12, 15


def polygon(box):
    x, y, w, h = box
    c = 0.3
    points = [(c, 0), (1 - c, 0), (1, c), (1, 1 - c), (1 - c, 1), (c, 1), (0, 1 - c), (0, c)]
    return [round(v, 1) for px, py in points for v in (x + w * px, y + h * py)]


def moved(box, amount, side):
    x, y, w, h = box
    j = lambda s: random.uniform(-amount, amount) * s
    w2, h2 = max(3, w + j(w)), max(3, h + j(h))
    x2, y2 = min(max(0, x + j(w)), side - w2 - 1), min(max(0, y + j(h)), side - h2 - 1)
    return [round(v, 1) for v in (max(0, x2), max(0, y2), w2, h2)]


def problem(seed):
    random.seed(seed)
    side = 200
    categories = [{'id': 3 * k + 1, 'name': f'c{k}', 'frequency': 'rcf'[random.randrange(3)]} for k in range(9)]
    ids = [c['id'] for c in categories]
    images, annotations, results = [], [], []
    for i in range(14):
        image = {'id': 40 - 2 * i, 'width': side, 'height': side, 'coco_url': f'http://images.cocodataset.org/val2017/{i:012}.jpg'}
        present = random.sample(ids, random.randrange(0, 5))
        others = [k for k in ids if k not in present]
        image['neg_category_ids'] = random.sample(others, random.randrange(0, 4))
        image['not_exhaustive_category_ids'] = random.sample(ids, random.randrange(0, 3))
        images.append(image)
        for k in present:
            for _ in range(random.randrange(1, 4)):
                w, h = random.choice([12, 30, 60, 110]) * random.uniform(0.7, 1.3), random.choice([12, 40, 90]) * random.uniform(0.7, 1.3)
                box = [round(v, 1) for v in (random.uniform(0, side - w - 1), random.uniform(0, side - h - 1), w, h)]
                annotations.append({'id': len(annotations) + (seed % 2), 'image_id': image['id'], 'category_id': k, 'bbox': box,
                                    'area': 0 if random.random() < 0.04 else round(0.8 * w * h, 1), 'segmentation': [polygon(box)]})
                if random.random() < 0.08:
                    annotations[-1]['ignore'] = 1
                if random.random() < 0.05:
                    annotations[-1]['iscrowd'] = 0
                for _ in range(random.randrange(0, 4)):
                    near = moved(box, random.choice([0, 0.05, 0.15, 0.4]), side)
                    results.append({'image_id': image['id'], 'category_id': k if random.random() < 0.8 else random.choice(ids + [999]),
                                    'bbox': near, 'score': round(random.random(), random.choice([1, 3]))})
        for _ in range(random.randrange(0, 8)):
            w, h = random.uniform(8, 90), random.uniform(8, 90)
            box = [round(v, 1) for v in (random.uniform(0, side - w - 1), random.uniform(0, side - h - 1), w, h)]
            if random.random() < 0.05:
                box[2] = 0
            results.append({'image_id': image['id'], 'category_id': random.choice(ids), 'bbox': box, 'score': round(random.random(), 2)})
    random.shuffle(results)
    return {'images': images, 'annotations': annotations, 'categories': categories}, results


def scores(gt, results, iou_type, max_dets, per_category=None):
    kept = copy.deepcopy(results)
    if per_category is not None:
        best = {}
        for d in sorted(kept, key=lambda d: d['score'], reverse=True):
            best.setdefault(d['category_id'], []).append(id(d))
        chosen = {i for d in best.values() for i in d[:per_category]}
        kept = [d for d in kept if id(d) in chosen]
    truth = LVIS.__new__(LVIS)
    truth.logger = __import__('logging').getLogger('lvis')
    truth.dataset = copy.deepcopy(gt)
    truth._create_index()
    run = LVISEval(truth, LVISResults(truth, kept, max_dets=max_dets), iou_type)
    run.run()
    return [float(v) for v in run.get_results().values()]


problems = []
for seed in range(3):
    gt, results = problem(seed)
    values = {iou: {'lvis': scores(gt, results, iou, 300), 'perImage': scores(gt, results, iou, PER_IMAGE),
                    'fixed': scores(gt, results, iou, -1, PER_CATEGORY)} for iou in ('bbox', 'segm')}
    problems.append({'gt': gt, 'results': results, 'values': values})
with open(sys.argv[1], 'w') as f:
    json.dump({'perImage': PER_IMAGE, 'perCategory': PER_CATEGORY, 'problems': problems}, f, separators=(',', ':'))
