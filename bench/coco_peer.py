"""Peer: one COCO evaluation with pycocotools, for comparison with `score coco` and for timing beside it.

Setup: pycocotools, importable by the interpreter that runs this (`pip install pycocotools`, or a build of the COCO API in PYTHONPATH)
Use:   python3 coco_peer.py GT.json DT.json bbox|segm|keypoints [IMAGE_ID,IMAGE_ID,...]
Prints one JSON line: seconds of each step, peak memory, the 12 (or 10) numbers, and the SHA-256 of the precision, recall and score
arrays (float64, little-endian, C order), which are those that `score coco --json` prints when both agree bit by bit.
"""
import contextlib
import hashlib
import io
import json
import resource
import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def main(gt_file, dt_file, iou_type, image_ids=""):
    seconds = {}
    last = time.perf_counter()

    def lap(name):
        nonlocal last
        now = time.perf_counter()
        seconds[name] = now - last
        last = now

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(gt_file)
        lap("loadGroundTruth")
        results = truth.loadRes(dt_file)
        lap("loadResults")
        evaluation = COCOeval(truth, results, iou_type)
        if image_ids:
            evaluation.params.imgIds = [int(i) for i in image_ids.split(",")]
        evaluation.evaluate()
        lap("evaluate")
        evaluation.accumulate()
        lap("accumulate")
        evaluation.summarize()
    digest = {
        name: hashlib.sha256(evaluation.eval[name].astype("<f8").tobytes()).hexdigest()
        for name in ("precision", "recall", "scores")
    }
    print(json.dumps({
        "seconds": sum(seconds.values()),
        "steps": seconds,
        "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "stats": [float(value) for value in evaluation.stats],
        "sha256": digest,
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
