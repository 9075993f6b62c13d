"""Peers of `convnextv2 serve`: the same classifier behind FastAPI and uvicorn, through PyTorch or onnxruntime.

Setup: pip install torch onnxruntime fastapi uvicorn pillow numpy
Use:   python serve_peers.py torch|onnxruntime FOLDER     (started by bench/serve.ts)
FOLDER holds what our own exporters wrote: model.safetensors (official names), model.onnx and card.json.
One worker; requests are decoded and predicted in Starlette's thread pool, two threads within an operation (THREADS). Prints
{"url"} when it listens. Takes and answers what `POST /v1/predict` with an image as its body does.
"""
import io, json, os, re, socket, struct, sys
import numpy as np
from PIL import Image

THREADS = int(os.environ.get("THREADS", "2"))
TOP = 5


def safetensors(path):
    """Reads float32 tensors as NumPy arrays."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    return {name: np.frombuffer(data[slice(*each["data_offsets"])], "<f4").reshape(each["shape"]) for name, each in header.items()}


def torch_network(folder):
    import torch
    from torch_convnextv2 import Net, SIZES

    torch.set_num_threads(THREADS)
    found = safetensors(os.path.join(folder, "model.safetensors"))
    dims, depths = found["downsample_layers.0.0.weight"].shape[0], [0, 0, 0, 0]
    for name in found:
        block = re.match(r"stages\.(\d)\.(\d+)\.", name)
        if block:
            depths[int(block[1])] = max(depths[int(block[1])], int(block[2]) + 1)
    SIZES["own"] = (depths, dims)
    net = Net("own", found["head.weight"].shape[0])
    parts = {"downsample_layers.": "down.", ".dwconv.": ".dw.", ".pwconv1.": ".pw1.", ".pwconv2.": ".pw2."}
    state = {}
    for name, value in found.items():
        for old, new in parts.items():
            name = name.replace(old, new)
        state[name] = torch.from_numpy((value.reshape(-1) if ".grn." in name else value).copy())
    net.load_state_dict(state)
    net.eval()

    def logits(x):  # [1, S, S, 3]
        with torch.inference_mode():
            return net(torch.from_numpy(x).permute(0, 3, 1, 2))[0].numpy()

    return logits


def onnxruntime_network(folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(os.path.join(folder, "model.onnx"), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0][0]


class Classifier:
    """Pre-processing of the card, as torchvision does it with Pillow, and the most probable classes."""

    def __init__(self, folder, logits):
        with open(os.path.join(folder, "card.json")) as file:
            self.card = json.load(file)
        self.logits = logits
        pixels = self.card["pixels"]
        self.scale = (1 / (255 * np.array(pixels["std"]))).astype(np.float32)
        self.shift = (-np.array(pixels["mean"]) / np.array(pixels["std"])).astype(np.float32)

    def input(self, image):
        resize = self.card["resize"]
        side, (w, h) = resize["inputSize"], image.size
        short = int(side / resize["cropFraction"])
        size = (int(short * w / h), short) if w > h else (short, int(short * h / w))
        left, top = (int(round((length - side) / 2)) for length in size)
        image = image.resize(size, Image.BICUBIC).crop((left, top, left + side, top + side))
        return (np.asarray(image, np.float32) * self.scale + self.shift)[None]

    def predict(self, body):
        image = Image.open(io.BytesIO(body)).convert("RGB")
        values = self.logits(self.input(image)).astype(np.float64)
        shares = np.exp(values - values.max())
        shares /= shares.sum()
        names = self.card["classNames"]
        classes = [{"classIndex": int(k), "name": names[k], "probability": float(shares[k])} for k in np.argsort(-shares, kind="stable")[:TOP]]
        return {"name": "image", "width": image.width, "height": image.height, "classes": classes}


def serve(model):
    import uvicorn
    from fastapi import FastAPI, Request, Response
    from fastapi.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect

    app = FastAPI()

    @app.post("/v1/predict")
    async def predict(request: Request):
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=499)
        try:
            row = await run_in_threadpool(model.predict, body)
        except (OSError, SyntaxError, ValueError) as error:  # Pillow's errors of what is no image, or a damaged one
            return Response(json.dumps({"error": {"code": "DataError", "message": str(error)}}), 400, media_type="application/json")
        return Response(json.dumps({"model": "model", "task": "classify", "predictions": [row]}), media_type="application/json")

    @app.get("/healthz")
    async def health():
        return {"status": "ok"}

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    print(json.dumps({"url": "http://127.0.0.1:%d" % listener.getsockname()[1]}), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    kind, folder = sys.argv[1], sys.argv[2]
    serve(Classifier(folder, (torch_network if kind == "torch" else onnxruntime_network)(folder)))
