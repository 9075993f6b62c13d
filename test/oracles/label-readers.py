"""Makes test/fixtures/label-readers.json: what the formats' own readers see in files that `data convert` and `predict --format` write.

    LABEL_FILES=/tmp/labels npx vitest run test/datasets/convert/other-readers.test.ts
    python test/oracles/label-readers.py /tmp/labels test/fixtures/label-readers.json

The first line writes the files (test/helpers/written-labels.ts) and keeps them. The committed values are those of pycocotools
2.0.11, supervision 0.31.2, labelme 6.3.1, datumaro 1.13.12 and Pillow. Objects are `{name, box: [x, y, width, height], polygons?,
rle?}` in the order of the files; supervision rounds the corners of polygons to pixels and fills their borders, so that
its masks are a little larger, and turns VOC boxes of less than a pixel around; datumaro rounds to hundredths of a pixel.
"""
import contextlib, hashlib, io, json, os, sys
from importlib.metadata import version

import numpy as np
import PIL.Image
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

root, target = sys.argv[1:]
SIZES = {'a': (64, 48), 'b': (50, 70), 'c': (4200, 12)}
SPLITS = {'a': 'train', 'b': 'train', 'c': 'val'}
at = lambda *parts: os.path.join(root, *parts)


def number(value):
    return round(float(value), 4)


def rle(mask):
    return masks.encode(np.asfortranarray(mask.astype(np.uint8)))['counts'].decode()


def quiet(work):
    with contextlib.redirect_stdout(io.StringIO()):
        return work()


def by_coco(files):
    """pycocotools: masks are those of `annToMask`."""
    out = {}
    for file in files:
        coco = quiet(lambda: COCO(file))
        for image in coco.dataset['images']:
            found = []
            for row in coco.loadAnns(coco.getAnnIds(imgIds=[image['id']])):
                item = dict(name=coco.cats[row['category_id']]['name'], box=[number(v) for v in row['bbox']])
                if row['segmentation']:
                    item['rle'] = rle(coco.annToMask(row))
                found.append(item)
            out[image['file_name'][0]] = found
    return out


def by_supervision_yolo(images, labels, yaml, names):
    from supervision.dataset.formats.yolo import load_yolo_annotations
    out = {}
    for folder, where in zip(images, labels):
        classes, _, found = load_yolo_annotations(folder, where, yaml)
        for path, detections in found.items():
            stem = os.path.basename(path)[0]
            if SPLITS[stem] in where or len(images) == 1:
                out[stem] = by_detections(detections, classes)
    return out


def by_detections(detections, classes):
    found = []
    for i in range(len(detections)):
        x1, y1, x2, y2 = (float(v) for v in detections.xyxy[i])
        item = dict(name=classes[detections.class_id[i]], box=[number(v) for v in (x1, y1, x2 - x1, y2 - y1)])
        if detections.mask is not None:
            item['rle'] = rle(detections.mask[i])
        found.append(item)
    return found


def by_supervision_voc(images, annotations):
    from supervision.dataset.formats.pascal_voc import load_pascal_voc_annotations
    classes, _, found = load_pascal_voc_annotations(images, annotations)
    return {os.path.basename(path)[0]: by_detections(value, classes) for path, value in found.items()}


def by_labelme(files):
    from labelme._label_file import LabelFile
    out = {}
    for file in files:
        label = LabelFile(file)
        found = []
        for shape in label.shapes:
            points = np.array(shape['points'], dtype=float)
            low, high = points.min(0), points.max(0)
            item = dict(name=shape['label'], box=[number(v) for v in (*low, *(high - low))], group=shape['group_id'])
            if shape['shape_type'] == 'polygon':
                item['polygons'] = [[number(v) for v in points.reshape(-1)]]
            if shape['mask'] is not None:
                width, height = SIZES[os.path.basename(file)[0]]
                (x, y), whole = low.astype(int), np.zeros((height, width), np.uint8)
                part = shape['mask']
                whole[y:y + part.shape[0], x:x + part.shape[1]] = part
                item['rle'] = rle(whole)
                item['box'] = [float(v) for v in masks.toBbox(masks.encode(np.asfortranarray(whole)))]
            found.append(item)
        out[os.path.basename(file)[0]] = found
    return out


def by_datumaro(items, categories):
    from datumaro.components.annotation import AnnotationType, Bbox, Mask, Polygon
    names = [label.name for label in categories[AnnotationType.label].items]
    out = {}
    for item in items:
        found = []
        for value in item.annotations:
            if not isinstance(value, (Bbox, Mask, Polygon)):
                continue
            entry = dict(name=names[value.label], box=[number(v) for v in value.get_bbox()])
            if isinstance(value, Polygon):
                entry['polygons'] = [[number(v) for v in value.points]]
            if isinstance(value, Mask):
                image = np.asarray(value.image)
                entry['rle'] = rle(image)
                entry['box'] = [float(v) for v in masks.toBbox(masks.encode(np.asfortranarray(image.astype(np.uint8))))]
            if value.group:
                entry['group'] = value.group
            found.append(entry)
        out[os.path.basename(item.id)[0]] = found
    return out


def datumaro_cvat(file, subsets):
    from datumaro.plugins.data_formats.cvat.base import CvatBase
    out = {}
    for subset in subsets:
        base = CvatBase(file, subset=subset)
        out.update(by_datumaro(base, base.categories()))
    return out


def datumaro_set(folder, kind, **options):
    from datumaro.components.dataset import Dataset
    data = Dataset.import_from(folder, kind, **options)
    return by_datumaro(data, data.categories())


def datumaro_coco(folder):
    """Boxes are listed beside masks of the same number, and the last object comes first."""
    def own(found):
        masked = {item['group'] for item in found if 'rle' in item or 'polygons' in item}
        kept = [item for item in found if 'rle' in item or 'polygons' in item or item['group'] not in masked]
        return sorted(kept, key=lambda item: item['group'])
    return {stem: own(found) for stem, found in datumaro_set(folder, 'coco').items()}


def by_pillow(folder):
    """Instance masks: a value that is a multiple of 1000 and more is the object of a class."""
    names = [line.strip() for line in open(at(folder, 'classes.txt'), encoding='utf-8')]
    out = {}
    for stem, split in SPLITS.items():
        values = np.array(PIL.Image.open(at(folder, 'masks', split, f'{stem}_instanceIds.png')))
        found = []
        for value in np.unique(values[values >= 1000]):
            mask = values == value
            box = masks.toBbox(masks.encode(np.asfortranarray(mask.astype(np.uint8))))
            found.append(dict(name=names[value // 1000 - 1], box=[float(v) for v in box], rle=rle(mask)))
        out[stem] = found
    return out


def stats(truth, results, kind):
    def run():
        ground = COCO(truth)
        evaluation = COCOeval(ground, ground.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
        return [float(v) for v in evaluation.stats]
    return quiet(run)


read = {}
for kind in ('boxes', 'masks'):
    base = lambda form: at('convert', kind, form)
    read[f'convert/{kind}/coco by pycocotools'] = by_coco([at(base('coco'), 'annotations', f'instances_{s}.json') for s in ('train', 'val')])
    read[f'convert/{kind}/coco by datumaro'] = datumaro_coco(base('coco'))
    read[f'convert/{kind}/yolo by supervision'] = by_supervision_yolo(
        [at(base('yolo'), 'images', s) for s in ('train', 'val')],
        [at(base('yolo'), 'labels', s) for s in ('train', 'val')], at(base('yolo'), 'data.yaml'), None)
    read[f'convert/{kind}/labelme by labelme'] = by_labelme([at(base('labelme'), s, f'{n}.json') for n, s in SPLITS.items()])
    read[f'convert/{kind}/cvat by datumaro'] = datumaro_cvat(at(base('cvat'), 'annotations.xml'), ['train', 'val'])
    done = lambda form: at('predict', kind, form)
    read[f'predict/{kind}/coco by pycocotools'] = by_coco([at(done('coco'), 'annotations.json')])
    read[f'predict/{kind}/labelme by labelme'] = by_labelme([at(done('labelme'), 'labelme', f'{n}.json') for n in SPLITS])
    read[f'predict/{kind}/voc by supervision'] = by_supervision_voc(at('images'), at(done('voc'), 'Annotations'))
    names = [line.rstrip('\n') for line in open(at(done('yolo'), 'classes.txt'), encoding='utf-8')]
    yaml = at(done('yolo'), 'names.yaml')
    with open(yaml, 'w', encoding='utf-8') as file:
        json.dump({'names': names}, file)
    read[f'predict/{kind}/yolo by supervision'] = by_supervision_yolo([at('images')], [at(done('yolo'), 'labels')], yaml, names)
    os.remove(yaml)
    # datumaro looks for the images beside the file, in `images`.
    link = at(done('cvat'), 'images')
    os.path.lexists(link) or os.symlink(at('images'), link)
    read[f'predict/{kind}/cvat by datumaro'] = datumaro_cvat(at(done('cvat'), 'annotations.xml'), [None])
read['convert/boxes/yolo by datumaro'] = datumaro_set(at('convert/boxes/yolo'), 'yolo')
read['convert/boxes/voc by supervision'] = by_supervision_voc(at('convert/boxes/voc/JPEGImages'), at('convert/boxes/voc/Annotations'))
# Without a map of labels datumaro knows those of Pascal VOC only.
labelmap = at('convert/boxes/voc/labelmap.txt')
with open(labelmap, 'w', encoding='utf-8') as file:
    file.writelines(f'{name.rstrip()}:::\n' for name in open(at('convert/boxes/voc/classes.txt'), encoding='utf-8'))
read['convert/boxes/voc by datumaro'] = datumaro_set(at('convert/boxes/voc'), 'voc_detection', coordinate_mode='voc-one-based')
os.remove(labelmap)
read['convert/masks/masks by Pillow'] = by_pillow('convert/masks/masks')

scores = {}
for kind, types in dict(boxes=['bbox'], masks=['bbox', 'segm']).items():
    for type_ in types:
        truth = at('source', f'{kind}-all.json')
        folder = at('predict', kind, 'coco')
        shown = json.load(open(os.path.join(folder, 'annotations.json')))['annotations']
        scores[f'{kind} {type_} annotations.json'] = stats(truth, shown, type_)
        scores[f'{kind} {type_} results.json'] = stats(truth, os.path.join(folder, 'results.json'), type_)

files = {}
for folder in ('convert', 'predict'):
    for path, _, found in os.walk(at(folder)):
        for name in found:
            if name.endswith(('.json', '.txt', '.xml', '.yaml')) and not os.path.islink(path):
                data = open(os.path.join(path, name), 'rb').read()
                # Bytes of embedded PNGs depend on the version of zlib.
                if b'"mask": "' not in data:
                    files[os.path.relpath(os.path.join(path, name), root)] = hashlib.sha256(data).hexdigest()[:16]

versions = {name: version(name) for name in ('pycocotools', 'supervision', 'labelme', 'datumaro', 'pillow')}
with open(target, 'w', encoding='utf-8') as file:
    lines = ',\n'.join(f'    {json.dumps(k, ensure_ascii=False)}: {json.dumps(v, ensure_ascii=False)}' for k, v in read.items())
    file.write('{\n  "versions": %s,\n  "files": %s,\n  "scores": %s,\n  "read": {\n%s\n  }\n}\n' % (
        json.dumps(versions), json.dumps(dict(sorted(files.items()))), json.dumps(scores), lines))
