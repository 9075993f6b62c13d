"""Peers of today in one process, timed in rounds on request: PyTorch (eager, channels_last, torch.compile), ONNX Runtime and OpenVINO.

Setup: python3 -m venv v && v/bin/pip install torch torchvision timm onnx onnxruntime openvino
Use:   v/bin/python modern_peers.py classify|detect|segment infer|train SIZE BATCH PX [WAY …]   (bench/peer.ts starts it)
       classify is timm's model, detect torchvision's Mask R-CNN, segment UPerNet on our PyTorch backbone.
Protocol: prints {"versions", "note"}, then for each line "REPEATS" on stdin {"WAY": {"ms": [...], "disturbed": bool}, ...}; ends with stdin.
"""
import json, os, sys, tempfile, time
import numpy as np
import torch
import torch.nn.functional as F

THREADS = int(os.environ.get("THREADS", "2"))
torch.set_num_threads(THREADS)
TICKS = os.sysconf("SC_CLK_TCK")


def busy():
    """Seconds that all processes have used the cores."""
    v = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return (sum(v) - v[3] - v[4]) / TICKS


def timed(run, repeats):
    """Milliseconds a run, and whether others took more than 4 % of the cores."""
    run()
    ms, start, used, own = [], time.perf_counter(), busy(), time.process_time()
    for _ in range(repeats):
        a = time.perf_counter(); n = 0
        while n == 0 or time.perf_counter() - a < 0.05: run(); n += 1
        ms.append((time.perf_counter() - a) * 1e3 / n)
    seconds = time.perf_counter() - start
    others = (busy() - used) - (time.process_time() - own)
    return {"ms": ms, "disturbed": others / os.cpu_count() > 0.04 * seconds + 0.03}


def classifier(size):
    import timm
    torch.manual_seed(0)
    model = timm.create_model(f"convnextv2_{size}", pretrained=False, num_classes=1000)
    for name, p in model.named_parameters():  # GRN starts as the identity: weights, so that no engine may leave it out
        if "grn" in name: torch.nn.init.normal_(p, std=0.1)
    return model


def classify_infer(size, batch, px, ways):
    x = torch.randn(batch, 3, px, px); model = classifier(size).eval(); runs = {}
    with torch.inference_mode(): want = model(x)
    def torch_way(m, image):
        def run():
            with torch.inference_mode(): return m(image)
        return run
    if "eager" in ways: runs["eager"] = torch_way(model, x)
    if "channels_last" in ways:
        runs["channels_last"] = torch_way(classifier(size).eval().to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last))
    if "compile" in ways: runs["compile"] = torch_way(torch.compile(model), x)
    file = os.path.join(tempfile.mkdtemp(), "model.onnx")
    if {"ort", "openvino"} & set(ways):
        torch.onnx.export(model, (x,), file, opset_version=17, dynamo=False)
    if "ort" in ways:
        import onnxruntime
        options = onnxruntime.SessionOptions(); options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: x.numpy()}
        runs["ort"] = lambda: session.run(None, feed)[0]
    if "openvino" in ways:
        import openvino
        core = openvino.Core()
        hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(core.read_model(file), "CPU", hints).create_infer_request()
        def vino():
            request.infer([x.numpy()]); return request.get_output_tensor(0).data
        runs["openvino"] = vino
    for way, run in runs.items():
        worst = float((torch.as_tensor(np.asarray(run())) - want).abs().max() / want.abs().max())
        assert worst < 1e-3, f"{way}: expected eager's logits, relative difference {worst}"
    return runs, ""


def classify_train(size, batch, px, ways):
    def run_of(way):
        model = classifier(size).train(); x = torch.randn(batch, 3, px, px); y = torch.randint(0, 1000, (batch,))
        if way == "channels_last": model = model.to(memory_format=torch.channels_last); x = x.to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
        forward = torch.compile(model) if way == "compile" else model
        def step():
            optimizer.zero_grad(); F.cross_entropy(forward(x), y).backward(); optimizer.step()
        return step
    return {way: run_of(way) for way in ways}, ""


def detect(mode, size, batch, px):
    from torch_convnextv2 import candidates, detector
    torch.manual_seed(0)
    wide = px * 4 // 3
    if mode == "infer":
        model = detector(size, px).eval(); x = [torch.rand(3, px, wide) for _ in range(batch)]
        candidates(model, x)
        def run():
            with torch.inference_mode(): model(x)
        return {"eager": run}, f"backbone input {model.seen['input']}"
    model = detector(size, px).train(); x = [torch.rand(3, px, wide) for _ in range(batch)]
    def target():
        xy = torch.rand(8, 2) * px * .6; wh = torch.rand(8, 2) * px * .3 + 16
        return {"boxes": torch.cat([xy, xy + wh], 1), "labels": torch.randint(1, 81, (8,)), "masks": (torch.rand(8, px, wide) > .5).to(torch.uint8)}
    targets = [target() for _ in range(batch)]
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    def step():
        optimizer.zero_grad(); sum(model(x, targets).values()).backward(); optimizer.step()
    step()
    return {"eager": step}, f"backbone input {model.seen['input']}, {model.seen['box_rois']} box RoIs, {model.seen['mask_rois']} mask RoIs"


def segment(mode, size, batch, px):
    from torch_upernet import CLASSES, UPerNet, to
    torch.manual_seed(0)
    model = UPerNet(size, int(os.environ.get("CHANNELS", "512"))); image = torch.randn(batch, 3, px, px)
    if mode == "infer":
        model.eval()
        def run():
            with torch.inference_mode(): to(model(image), image)
        return {"eager": run}, ""
    labels = torch.randint(0, CLASSES, (batch, px, px)); optimizer = torch.optim.AdamW(model.parameters(), 1e-4, fused=True)
    def step():
        optimizer.zero_grad()
        main, aux = (F.cross_entropy(to(y, image), labels, ignore_index=255) for y in model(image))
        (main + 0.4 * aux).backward(); optimizer.step()
    return {"eager": step}, ""


def versions(ways):
    found = {"torch": torch.__version__}
    for way, module in {"ort": "onnxruntime", "openvino": "openvino"}.items():
        if way in ways: found[module] = __import__(module).__version__
    return found


if __name__ == "__main__":
    task, mode, size, batch, px = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    if task == "classify":
        ways = sys.argv[6:] or ["eager", "channels_last", "compile"] + (["ort", "openvino"] if mode == "infer" else [])
        runs, note = (classify_infer if mode == "infer" else classify_train)(size, batch, px, ways)
    else:
        runs, note = (detect if task == "detect" else segment)(mode, size, batch, px)
    print(json.dumps({"versions": versions(runs), "note": note}), flush=True)
    for line in sys.stdin:
        print(json.dumps({way: timed(run, int(line)) for way, run in runs.items()}), flush=True)
