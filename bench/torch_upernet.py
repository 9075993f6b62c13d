"""Peer: UPerNet on ConvNeXt V2 in eager PyTorch (own code), for side-by-side timing on this machine.

Setup and malloc settings: see torch_convnextv2.py, from which the backbone is taken. Without them page faults make PyTorch two to four
times slower, which is no fair peer.
Use:   … /usr/bin/python3 torch_upernet.py infer|train SIZE BATCH [PX]
       head width 512 (CHANNELS), 150 classes; inference ends with the logits at the image's size, a training step with AdamW's update.
Prints min and median milliseconds over REPEAT runs (default 5), two threads (THREADS), and the peak of the resident set.
"""
import os, resource, sys
import torch
from torch import nn
import torch.nn.functional as F
from torch_convnextv2 import LN2d, Net, clock

CLASSES, BINS = 150, (1, 2, 3, 6)


class Norm(nn.BatchNorm2d):
    def forward(self, x):  # nn.BatchNorm2d refuses one value a channel, which one image pooled to one bin has
        return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.training, self.momentum, self.eps, False)


def unit(kernel, inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), Norm(outputs), nn.ReLU(inplace=True))


def to(x, like):
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


class UPerNet(nn.Module):
    def __init__(self, size, width):
        super().__init__()
        self.net = Net(size)
        dims = self.net.dims
        self.norms = nn.ModuleList(LN2d(c, eps=1e-6) for c in dims)
        self.pool = nn.ModuleList(nn.Sequential(nn.AdaptiveAvgPool2d(b), unit(1, dims[3], width)) for b in BINS)
        self.top = unit(3, dims[3] + len(BINS) * width, width)
        self.lateral = nn.ModuleList(unit(1, c, width) for c in dims[:3])
        self.smooth = nn.ModuleList(unit(3, width, width) for _ in range(3))
        self.fuse = unit(3, 4 * width, width)
        self.out = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(width, CLASSES, 1))
        self.aux = nn.Sequential(unit(3, dims[2], 256), nn.Dropout2d(0.1), nn.Conv2d(256, CLASSES, 1))

    def forward(self, x):
        c = [norm(f) for norm, f in zip(self.norms, self.net.features(x))]
        top = self.top(torch.cat([c[3]] + [to(p(c[3]), c[3]) for p in self.pool], 1))
        p = [lateral(f) for lateral, f in zip(self.lateral, c)] + [top]
        for i in (2, 1, 0):
            p[i] = p[i] + to(p[i + 1], p[i])
        p = [smooth(f) for smooth, f in zip(self.smooth, p)] + [top]
        y = self.out(self.fuse(torch.cat([p[0]] + [to(f, p[0]) for f in p[1:]], 1)))
        return (y, self.aux(c[2])) if self.training else y


if __name__ == "__main__":
    mode, size, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    px, repeat = int(sys.argv[4]) if len(sys.argv) > 4 else 512, int(os.environ.get("REPEAT", "5"))
    torch.manual_seed(0)
    model = UPerNet(size, int(os.environ.get("CHANNELS", "512")))
    image = torch.randn(batch, 3, px, px)
    if mode == "infer":
        model.eval()
        with torch.no_grad():
            best, median = clock(lambda: to(model(image), image), repeat)
    else:
        labels = torch.randint(0, CLASSES, (batch, px, px))
        optimizer = torch.optim.AdamW(model.parameters(), 1e-4)

        def step():
            optimizer.zero_grad()
            main, aux = (F.cross_entropy(to(y, image), labels, ignore_index=255) for y in model(image))
            (main + 0.4 * aux).backward()
            optimizer.step()
        best, median = clock(step, repeat)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"torch {torch.__version__} upernet {mode} {size} b{batch} {px}px min {best:.1f} ms median {median:.1f} ms, peak {peak:.2f} GiB")
