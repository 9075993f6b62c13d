"""Peer: ConvNeXt V2 in eager PyTorch (own code), for side-by-side timing on this machine.

Setup: apt-get install -y python3-torch python3-torchvision libopenblas0-pthread (Debian: torch 1.13, torchvision 0.14;
       without OpenBLAS it falls back to the reference BLAS, about twenty times slower: no fair peer)
Use:   env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE GLIBC_TUNABLES=glibc.malloc.hugetlb=1 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=1099511627776 MALLOC_TOP_PAD_=1073741824 \
       /usr/bin/python3 torch_convnextv2.py infer|train|detect|detect-train SIZE BATCH [PX]
The malloc settings matter: without them page faults make PyTorch two to four times slower here, which is no fair peer.
Prints min and median milliseconds over REPEAT runs (default 5), two threads.
"""
import os, sys, time
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
SIZES = {"atto": ([2, 2, 6, 2], 40), "femto": ([2, 2, 6, 2], 48), "pico": ([2, 2, 6, 2], 64), "nano": ([2, 2, 8, 2], 80),
         "tiny": ([3, 3, 9, 3], 96), "base": ([3, 3, 27, 3], 128), "large": ([3, 3, 27, 3], 192)}


class LN2d(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class GRN(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.zeros(c)), nn.Parameter(torch.zeros(c))

    def forward(self, x):
        g = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        return self.gamma * (x * (g / (g.mean(-1, keepdim=True) + 1e-6))) + self.beta + x


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.dw, self.norm = nn.Conv2d(c, c, 7, padding=3, groups=c), nn.LayerNorm(c, eps=1e-6)
        self.pw1, self.grn, self.pw2 = nn.Linear(c, 4 * c), GRN(4 * c), nn.Linear(4 * c, c)

    def forward(self, x):
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        return x + self.pw2(self.grn(F.gelu(self.pw1(y)))).permute(0, 3, 1, 2)


class Net(nn.Module):
    def __init__(self, size, classes=1000):
        super().__init__()
        depths, c = SIZES[size]
        dims = [c, 2 * c, 4 * c, 8 * c]
        self.down = nn.ModuleList([nn.Sequential(nn.Conv2d(3, c, 4, 4), LN2d(c, eps=1e-6))] + [
            nn.Sequential(LN2d(dims[i], eps=1e-6), nn.Conv2d(dims[i], dims[i + 1], 2, 2)) for i in range(3)])
        self.stages = nn.ModuleList([nn.Sequential(*[Block(dims[i]) for _ in range(depths[i])]) for i in range(4)])
        self.norm, self.head, self.dims = nn.LayerNorm(dims[3], eps=1e-6), nn.Linear(dims[3], classes), dims

    def features(self, x):
        out = []
        for d, s in zip(self.down, self.stages):
            x = s(d(x)); out.append(x)
        return out

    def forward(self, x):
        return self.head(self.norm(self.features(x)[3].mean((2, 3))))


def clock(f, n):
    f(); t = []
    for _ in range(n):
        a = time.perf_counter(); f(); t.append((time.perf_counter() - a) * 1e3)
    t.sort()
    return t[0], t[len(t) // 2]


def detector(size, px):
    """torchvision's Mask R-CNN on the backbone; images keep their px x px*4/3 size (only padded to a multiple of 32)."""
    from torchvision.models.detection import MaskRCNN
    from torchvision.ops import FeaturePyramidNetwork
    from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net(size); self.fpn = FeaturePyramidNetwork(self.net.dims, 256, LastLevelMaxPool()); self.out_channels = 256

        def forward(self, x):
            return self.fpn({str(i): f for i, f in enumerate(self.net.features(x))})
    from torchvision.models.detection.rpn import AnchorGenerator
    m = MaskRCNN(Backbone(), 91, min_size=px, max_size=px * 4 // 3, rpn_anchor_generator=AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((.5, 1., 2.),) * 5))
    seen = m.seen = {}
    m.backbone.register_forward_pre_hook(lambda _, a: seen.update(input=tuple(a[0].shape)))
    m.roi_heads.box_predictor.register_forward_hook(lambda _, a, o: seen.update(box_rois=o[0].shape[0], scores=o[0].detach().softmax(1)[:, 1:]))
    m.roi_heads.mask_predictor.register_forward_hook(lambda _, a, o: seen.update(mask_rois=o.shape[0]))
    return m


def candidates(m, x, n=1500):
    """Untrained scores all lie under the usual 0.05: put the threshold where about n (box, class) pairs pass, as in a trained model."""
    with torch.no_grad():
        m(x)
        m.roi_heads.score_thresh = float(m.seen["scores"].flatten().topk(n)[0][-1])
        d = m(x)
    print(f"backbone input {m.seen['input']}, {int((m.seen['scores'] >= m.roi_heads.score_thresh).sum())} candidates, {len(d[0]['boxes'])} detections with masks")


if __name__ == "__main__":
    mode, size, batch = sys.argv[1], sys.argv[2], int(sys.argv[3])
    px, n = int(sys.argv[4]) if len(sys.argv) > 4 else 224, int(os.environ.get("REPEAT", "5"))
    torch.manual_seed(0)
    if mode == "infer":
        m = Net(size).eval(); x = torch.randn(batch, 3, px, px)
        with torch.no_grad(): r = clock(lambda: m(x), n)
    elif mode == "train":
        m = Net(size).train(); x = torch.randn(batch, 3, px, px); y = torch.randint(0, 1000, (batch,))
        opt = torch.optim.AdamW(m.parameters(), 1e-4)
        def step():
            opt.zero_grad(); F.cross_entropy(m(x), y).backward(); opt.step()
        r = clock(step, n)
    elif mode == "detect":  # inference of the whole detector on one px x px*4/3 image
        m = detector(size, px).eval(); x = [torch.rand(3, px, px * 4 // 3)]
        candidates(m, x)
        with torch.no_grad(): r = clock(lambda: m(x), n)
    elif mode == "detect-train":
        m = detector(size, px).train(); x = [torch.rand(3, px, px * 4 // 3) for _ in range(batch)]
        def tgt():
            xy = torch.rand(8, 2) * px * .6; wh = torch.rand(8, 2) * px * .3 + 16
            return {"boxes": torch.cat([xy, xy + wh], 1), "labels": torch.randint(1, 81, (8,)), "masks": (torch.rand(8, px, px * 4 // 3) > .5).to(torch.uint8)}
        t = [tgt() for _ in range(batch)]
        opt = torch.optim.AdamW(m.parameters(), 1e-4)
        def step():
            opt.zero_grad(); sum(m(x, t).values()).backward(); opt.step()
        r = clock(step, n)
        print(f"backbone input {m.seen['input']}, {m.seen['box_rois']} box RoIs, {m.seen['mask_rois']} mask RoIs")
    print(f"torch {torch.__version__} {mode} {size} b{batch} {px}px min {r[0]:.1f} ms median {r[1]:.1f} ms")
