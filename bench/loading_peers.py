"""Peers: training input pipelines of Python, for comparison with bench/loading.ts on the same files.

Setup: apt-get install -y python3-pil python3-opencv python3-torchvision (Debian 12: Pillow 9.4, OpenCV 4.6, torchvision 0.14, torch 1.13)
Use:   /usr/bin/python3 loading_peers.py DATA PASSES imagenet|coco-lsj
Prints one JSON line per pipeline: images per second of the best and the median pass after one that warms up, and the processor time of an
image over all processes and passes.

imagenet   torchvision: decode (Pillow), RandomResizedCrop 224 bicubic, flip, RandAugment(2, 9), float32, normalize; one process, a
           DataLoader with two workers and batches of 32, and two independent processes (their sum, nothing handed over)
coco-lsj   large-scale jitter 0.1-2 to at most 1024, flip, boxes and dense masks of the objects that are left, normalized float32 CHW,
           with OpenCV (cv2.resize, fillPoly) and with Pillow (resize, ImageDraw); one process and two independent ones. Crowds are left
           out and nothing is padded, which is less work than bench/loading.ts does. A DataLoader is no fair peer here: 20 MB an
           image through fresh shared memory make it ten times slower.
Every process computes on one thread.
"""
import gc
import json
import multiprocessing
import os
import random
import resource
import sys
import time

import cv2
import numpy as np
import torch
import torch.utils.data
from PIL import Image, ImageDraw
from torchvision import transforms
from torchvision.transforms import InterpolationMode

cv2.setNumThreads(1)
torch.set_num_threads(1)
SIZE = 1024
MEAN = np.array([123.675, 116.28, 103.53])
STD = np.array([58.395, 57.12, 57.375])


def read(path):
    with open(path) as file:
        return json.load(file)


class ImageNet(torch.utils.data.Dataset):
    def __init__(self, data):
        root = os.path.join(data, "imagenet-mini")
        self.items = [(os.path.join(root, item["file"]), item["index"]) for item in read(os.path.join(root, "labels.json"))]
        self.transform = transforms.Compose([
            transforms.RandomResizedCrop(224, interpolation=InterpolationMode.BICUBIC),
            transforms.RandomHorizontalFlip(),
            transforms.RandAugment(2, 9, interpolation=InterpolationMode.BILINEAR),
            transforms.ToTensor(),
            transforms.Normalize((MEAN / 255).tolist(), (STD / 255).tolist()),
        ])

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        path, label = self.items[index]
        with open(path, "rb") as file:
            return self.transform(Image.open(file).convert("RGB")), label


class Jitter:
    """Draws the geometry and moves the outlines; subclasses work on the pixels."""

    def __init__(self, data):
        root = os.path.join(data, "coco-mini")
        content = read(os.path.join(root, "annotations/instances_train2017.json"))
        polygons = {}
        for annotation in content["annotations"]:
            polygons.setdefault(annotation["image_id"], [])
            if not annotation["iscrowd"]:
                outline = [np.array(part).reshape(-1, 2) for part in annotation["segmentation"]]
                polygons[annotation["image_id"]].append(outline)
        self.items = [
            (os.path.join(root, "train2017", image["file_name"]), polygons[image["id"]])
            for image in content["images"] if image["id"] in polygons
        ]

    def __len__(self):
        return len(self.items)

    def draw(self, width, height):
        limit = int(SIZE * random.uniform(0.1, 2))
        factor = limit / max(width, height)
        size = max(1, int(width * factor + 0.5)), max(1, int(height * factor + 0.5))
        window = min(SIZE, size[0]), min(SIZE, size[1])
        x, y = (random.randint(0, size[axis] - window[axis]) for axis in (0, 1))
        return size, window, (x, y), random.random() < 0.5

    def outlines(self, index, original, size, window, offset, flip):
        """The outlines of each object in the window."""
        for parts in self.items[index][1]:
            moved = [part * (size[0] / original[0], size[1] / original[1]) - offset for part in parts]
            if flip:
                moved = [part * (-1, 1) + (window[0], 0) for part in moved]
            low = np.min([part.min(0) for part in moved], 0)
            high = np.max([part.max(0) for part in moved], 0)
            if low[0] < window[0] and low[1] < window[1] and high[0] > 0 and high[1] > 0:
                yield moved


class JitterOpenCv(Jitter):
    def __getitem__(self, index):
        image = cv2.imread(self.items[index][0], cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        height, width = image.shape[:2]
        size, window, (x, y), flip = self.draw(width, height)
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)[y:y + window[1], x:x + window[0]]
        image = cv2.flip(image, 1) if flip else np.ascontiguousarray(image)
        masks, boxes = [], []
        for moved in self.outlines(index, (width, height), size, window, (x, y), flip):
            mask = np.zeros((window[1], window[0]), np.uint8)
            cv2.fillPoly(mask, [np.rint(part).astype(np.int32) for part in moved], 1)
            boxes.append(cv2.boundingRect(mask))
            masks.append(mask)
        pixels = image.astype(np.float32)
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB, pixels)
        cv2.subtract(pixels, MEAN.reshape(1, -1), pixels)
        cv2.multiply(pixels, 1 / STD.reshape(1, -1), pixels)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)), boxes, masks


class JitterPillow(Jitter):
    def __getitem__(self, index):
        with open(self.items[index][0], "rb") as file:
            image = Image.open(file).convert("RGB")
        width, height = image.size
        size, window, (x, y), flip = self.draw(width, height)
        # Only the kept window is computed, as ours does.
        scale = width / size[0], height / size[1]
        box = x * scale[0], y * scale[1], (x + window[0]) * scale[0], (y + window[1]) * scale[1]
        box = box[0], box[1], min(box[2], width), min(box[3], height)
        image = image.resize(window, Image.BILINEAR, box=box)
        if flip:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        masks, boxes = [], []
        for moved in self.outlines(index, (width, height), size, window, (x, y), flip):
            mask = Image.new("L", window)
            pen = ImageDraw.Draw(mask)
            for part in moved:
                pen.polygon(part.ravel().tolist(), fill=1)
            boxes.append(mask.getbbox())
            masks.append(np.asarray(mask))
        pixels = np.asarray(image, dtype=np.float32) - MEAN.astype(np.float32)
        pixels *= (1 / STD).astype(np.float32)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)), boxes, masks


def one_pass(dataset):
    for index in random.sample(range(len(dataset)), len(dataset)):
        dataset[index]


def in_process(dataset, passes):
    for number in range(passes + 1):
        start = time.perf_counter()
        one_pass(dataset)
        if number > 0:
            yield len(dataset) / (time.perf_counter() - start)


def in_loader(dataset, passes):
    loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, num_workers=2, persistent_workers=True)
    for number in range(passes + 1):
        start = time.perf_counter()
        checksum = sum(float(images[0, 0, 0, 0]) for images, _ in loader)
        assert checksum == checksum
        if number > 0:
            yield len(dataset) / (time.perf_counter() - start)


def run_beside(dataset, passes, seed, barrier):
    random.seed(seed)
    torch.manual_seed(seed)
    for _ in range(passes + 1):
        barrier.wait()
        one_pass(dataset)
        barrier.wait()


def in_two_processes(dataset, passes):
    barrier = multiprocessing.Barrier(3)
    workers = [multiprocessing.Process(target=run_beside, args=(dataset, passes, seed, barrier)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for number in range(passes + 1):
        barrier.wait()
        start = time.perf_counter()
        barrier.wait()
        if number > 0:
            yield 2 * len(dataset) / (time.perf_counter() - start)
    for worker in workers:
        worker.join()


def processor_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main(data, passes, case):
    random.seed(0)
    torch.manual_seed(0)
    runs = {
        "imagenet": [
            ("torchvision, one process", ImageNet, in_process),
            ("torchvision, DataLoader with 2 workers", ImageNet, in_loader),
            ("torchvision, 2 processes", ImageNet, in_two_processes),
        ],
        "coco-lsj": [
            ("OpenCV, one process", JitterOpenCv, in_process),
            ("OpenCV, 2 processes", JitterOpenCv, in_two_processes),
            ("Pillow, one process", JitterPillow, in_process),
            ("Pillow, 2 processes", JitterPillow, in_two_processes),
        ],
    }[case]
    for name, kind, run in runs:
        dataset = kind(data)
        before = processor_seconds()
        rates = sorted(run(dataset, int(passes)), reverse=True)
        gc.collect()  # ends the workers of a DataLoader, whose time counts only then
        num_images = len(dataset) * (int(passes) + 1) * (2 if run is in_two_processes else 1)
        report = {"name": name, "best": rates[0], "median": rates[len(rates) // 2]}
        report["cpuMs"] = 1000 * (processor_seconds() - before) / num_images
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
