"""Peer of bench/gpu.ts: timm's ConvNeXt V2 in PyTorch on the first GPU (else the CPU), eager and compiled, float32.

Use: python gpu_peer.py SIZE BATCH PX REPEATS; prints one line of JSON. TF32 is off, as in the engines that it stands beside.
"""
import json, sys, time
import timm
import torch
import torch.nn.functional as F

size, batch, px, repeats = sys.argv[1], *map(int, sys.argv[2:5])
device = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def median_ms(run):
    times = []
    for i in range(repeats + 2):
        start = time.perf_counter(); run()
        if device == "cuda": torch.cuda.synchronize()
        if i >= 2: times.append((time.perf_counter() - start) * 1e3)
    return sorted(times)[len(times) // 2]


model = timm.create_model(f"convnextv2_{size}", pretrained=False, num_classes=1000).to(device)
x, y = torch.randn(batch, 3, px, px, device=device), torch.arange(batch, device=device) % 1000
out = {"name": "PyTorch", "version": torch.__version__, "device": torch.cuda.get_device_name() if device == "cuda" else "CPU"}


def infer(m):
    with torch.inference_mode(): return m(x)


def train(m):
    model.zero_grad(); F.cross_entropy(m(x), y).backward()


for name, m in {"eager": model, "compile": torch.compile(model)}.items():
    model.eval(); out[f"{name}InferMs"] = median_ms(lambda: infer(m))
    model.train(); out[f"{name}TrainMs"] = median_ms(lambda: train(m))
print(json.dumps(out))
