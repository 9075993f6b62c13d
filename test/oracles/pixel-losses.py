"""Makes test/fixtures/pixel-losses.json: losses and gradients of logits by PyTorch and mmsegmentation.

    python test/oracles/pixel-losses.py test/fixtures/pixel-losses.json

Needs torch and mmsegmentation 1.2. Cross-entropy and the sampler of
hard pixels are mmsegmentation's CrossEntropyLoss and OHEMPixelSampler; class weights are PyTorch's; focal and Dice losses for classes that
exclude each other are not there, so their formulas are written out in torch.
"""
import importlib, importlib.util, json, os, sys, types
import torch
import torch.nn.functional as F


# Only these two modules are loaded: the whole package needs mmcv's compiled operators.
root = importlib.util.find_spec('mmseg').submodule_search_locations[0]
for name in ('mmseg', 'mmseg.models', 'mmseg.models.losses', 'mmseg.structures', 'mmseg.structures.sampler'):
    package = types.ModuleType(name)
    package.__path__ = [os.path.join(root, *name.split('.')[1:])]
    sys.modules[name] = package
CrossEntropyLoss = importlib.import_module('mmseg.models.losses.cross_entropy_loss').CrossEntropyLoss
OHEMPixelSampler = importlib.import_module('mmseg.structures.sampler.ohem_pixel_sampler').OHEMPixelSampler

N, K, h, w, H, W = 2, 4, 3, 2, 7, 5
torch.manual_seed(3)
logits = torch.randn(N, K, h, w) * 2
labels = torch.randint(0, K - 1, (N, H, W))  # the last class has no pixels
labels[0, 0, :] = 255
labels[1, 2:4, 1] = 255


class Head:
    """The members of a decode head that the sampler reads."""
    ignore_index = 255


def large(z):
    return F.interpolate(z, (H, W), mode='bilinear', align_corners=False)


def cross_entropy(z, class_weight=None, ohem=None):
    pixels = large(z)
    weight = OHEMPixelSampler(Head, **ohem).sample(pixels, labels[:, None]) if ohem else None
    if class_weight is None:
        return CrossEntropyLoss()(pixels, labels, weight=weight, ignore_index=255)
    # mmsegmentation 0.x; later versions fail for class weights where labels are ignored.
    each = F.cross_entropy(pixels, labels, torch.tensor(class_weight), reduction='none', ignore_index=255)
    return (each if weight is None else each * weight).sum() / labels.numel()


def focal(z, gamma):
    each = F.cross_entropy(large(z), labels, reduction='none', ignore_index=255)
    return ((1 - torch.exp(-each)) ** gamma * each).sum() / labels.numel()


def dice(z, weight):
    kept = (labels != 255)[:, None].float()
    p = large(z).softmax(1) * kept
    t = F.one_hot(labels.where(labels != 255, torch.tensor(0)), K).permute(0, 3, 1, 2) * kept
    common, sizes, present = (p * t).sum((0, 2, 3)), (p + t).sum((0, 2, 3)), t.sum((0, 2, 3)) > 0
    each = 1 - (2 * common + 1e-3) / (sizes + 1e-3)
    return cross_entropy(z) + weight * each[present].mean()


WEIGHTS = [0.5, 1.0, 3.0, 2.0]
CASES = {
    'cross-entropy': ({}, lambda z: cross_entropy(z)),
    'class weights': ({'classWeights': WEIGHTS}, lambda z: cross_entropy(z, WEIGHTS)),
    'focal loss': ({'focalGamma': 2}, lambda z: focal(z, 2)),
    'focal loss below 1': ({'focalGamma': 0.5}, lambda z: focal(z, 0.5)),
    'Dice term': ({'diceWeight': 0.7}, lambda z: dice(z, 0.7)),
}
for name, (threshold, kept) in {
    'pixels below the threshold': (0.7, 2),
    'the hardest pixels above the threshold': (0.05, 12),
    'more pixels than there are': (0.7, 1000),
    'few pixels at least': (0.2, 2),
}.items():
    CASES[f'hard pixels: {name}'] = (
        {'hardPixels': {'threshold': threshold, 'minKept': kept}},
        lambda z, t=threshold, k=kept: cross_entropy(z, ohem={'thresh': t, 'min_kept': k}),
    )
CASES['hard pixels with class weights'] = (
    {'classWeights': WEIGHTS, 'hardPixels': {'threshold': 0.3, 'minKept': 3}},
    lambda z: cross_entropy(z, WEIGHTS, {'thresh': 0.3, 'min_kept': 3}),
)

images, classes = 3, 4
scores = torch.randn(images, classes) * 2
targets = torch.softmax(torch.randn(images, classes), 1)


def focal_targets(z, gamma):
    log = z.log_softmax(1)
    return (-targets * (1 - log.exp()) ** gamma * log).sum() / images


SOFT = {
    'class weights': ({'classWeights': WEIGHTS}, lambda z: F.cross_entropy(z, targets, torch.tensor(WEIGHTS))),
    'focal loss': ({'focalGamma': 2}, lambda z: focal_targets(z, 2)),
}


def solved(x, options, loss):
    z = x.clone().requires_grad_()
    value = loss(z)
    value.backward()
    gradient = z.grad.permute(0, 2, 3, 1) if z.ndim == 4 else z.grad
    return {'options': options, 'loss': value.item(), 'gradient': gradient.flatten().tolist()}


json.dump({
    'logits': {'shape': [N, h, w, K], 'data': logits.permute(0, 2, 3, 1).flatten().tolist()},
    'labels': {'shape': [N, H, W], 'data': labels.flatten().tolist()},
    'cases': {name: solved(logits, *case) for name, case in CASES.items()},
    'scores': {'shape': [images, classes], 'data': scores.flatten().tolist()},
    'targets': {'shape': [images, classes], 'data': targets.flatten().tolist()},
    'softCases': {name: solved(scores, *case) for name, case in SOFT.items()},
}, open(sys.argv[1], 'w'))
