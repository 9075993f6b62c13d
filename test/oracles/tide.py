"""Makes test/fixtures/metrics/tide.json: errors by kind of two result files, boxes and masks, by tidecv.

    python test/oracles/tide.py test/fixtures/metrics/tide.json

Ground truth and detections are made up here and stored with the results. The committed file was made with tidecv 1.0.1
and pycocotools 2.0.11. tidecv's drawing packages are replaced by stubs, because they are only imported.
"""
import json, random, sys, types
from unittest.mock import MagicMock

for name in ['cv2', 'matplotlib', 'matplotlib.lines', 'matplotlib.patches', 'matplotlib.pyplot', 'seaborn', 'pandas', 'appdirs']:
    sys.modules.setdefault(name, MagicMock())
from tidecv import TIDE, Data

SIDE = 200
random.seed(3)


def polygon(box):
    """An octagon inside of the box."""
    x, y, w, h = box
    c = 0.3
    points = [(c, 0), (1 - c, 0), (1, c), (1, 1 - c), (1 - c, 1), (c, 1), (0, 1 - c), (0, c)]
    return [round(v, 2) for px, py in points for v in (x + w * px, y + h * py)]


def moved(box, amount):
    x, y, w, h = box
    j = lambda s: random.uniform(-amount, amount) * s
    w2, h2 = max(4, w + j(w)), max(4, h + j(h))
    x2, y2 = min(max(0, x + j(w)), SIDE - w2 - 1), min(max(0, y + j(h)), SIDE - h2 - 1)
    return [round(v, 2) for v in (max(0, x2), max(0, y2), w2, h2)]


def new_box():
    w, h = random.uniform(10, 70), random.uniform(10, 70)
    return [round(v, 2) for v in (random.uniform(0, SIDE - w - 1), random.uniform(0, SIDE - h - 1), w, h)]


def scene(classes, images):
    truth, found = [], []
    for image in range(1, images + 1):
        for _ in range(random.randint(1, 7)):
            truth.append(dict(image_id=image, category_id=random.choice(classes), bbox=new_box()))
        for t in [t for t in truth if t['image_id'] == image]:
            for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
                category = t['category_id'] if random.random() < 0.75 else random.choice(classes)
                found.append(dict(image_id=image, category_id=category, bbox=moved(t['bbox'], random.choice([0.05, 0.15, 0.4]))))
        for _ in range(random.randint(0, 3)):
            found.append(dict(image_id=image, category_id=random.choice(classes), bbox=new_box()))
    random.shuffle(found)
    scores = random.sample(range(1, 100000), len(found))  # no ties
    for i, t in enumerate(truth):
        t['id'] = i + 1
    for f, s in zip(found, scores):
        f['score'] = s / 100000
    return truth, found


def mask_of(box):
    from pycocotools import mask
    return mask.merge(mask.frPyObjects([polygon(box)], SIDE, SIDE))


def tide_of(truth, found, classes, mode):
    gt, dt = Data('gt', max_dets=100), Data('dt')
    for c in classes:
        gt.add_class(c, str(c))
    for t in truth:
        gt.add_ground_truth(t['image_id'], t['category_id'], t['bbox'], mask_of(t['bbox']))
    for f in found:
        dt.add_detection(f['image_id'], f['category_id'], f['score'], f['bbox'], mask_of(f['bbox']))
    run = TIDE().evaluate(gt, dt, mode=TIDE.BOX if mode == 'bbox' else TIDE.MASK)
    names = dict(Cls='classification', Loc='localisation', Both='both', Dupe='duplicate', Bkg='background', Miss='missed')
    return dict(
        AP=run.ap / 100,
        gains={names[e.short_name]: v / 100 for e, v in run.fix_main_errors().items()},
        counts={names[e.short_name]: v for e, v in run.count_errors().items()},
        special={e.short_name: v / 100 for e, v in run.fix_special_errors().items()},
    )


out = []
for classes, images in [([1, 2, 3, 4], 40), ([2, 5], 60)]:
    truth, found = scene(classes, images)
    expected = {mode: tide_of(truth, found, classes, mode) for mode in ['bbox', 'segm']}
    out.append(dict(side=SIDE, images=images, classes=classes,
        truth=[[t['image_id'], t['category_id'], *t['bbox']] for t in truth],
        found=[[f['image_id'], f['category_id'], f['score'], *f['bbox']] for f in found], expected=expected))
json.dump(out, open(sys.argv[1], 'w'), separators=(',', ':'))
print([(e['AP'], e['gains'], e['counts'], e['special']) for o in out for e in o['expected'].values()])
