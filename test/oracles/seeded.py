"""Values that Python and TypeScript make alike: test/helpers/seeded-tensors.ts has the same formulas."""
import numpy as np


def noise(name, count):
    """Uniform values in [-1, 1): the 32-bit linear congruential generator of Numerical Recipes, seeded with FNV-1a of the name."""
    state = 2166136261
    for byte in name.encode():
        state = ((state ^ byte) * 16777619) & 0xFFFFFFFF
    values = np.empty(count, np.float32)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = (state >> 8) / 2**23 - 1
    return values


def tensor(name, shape):
    """Weights of a size that gives distinct outputs, whatever the library's initialization is."""
    count = int(np.prod(shape)) if len(shape) else 1
    u = noise(name, count)
    if name.endswith('running_var'):
        u = 1 + 0.5 * np.abs(u)
    elif 'grn' in name or name.endswith('running_mean'):
        u = 0.3 * u
    elif 'gamma' in name or 'layer_scale' in name:
        u = 0.5 + 0.2 * u
    elif len(shape) <= 1:
        u = (1 if name.endswith('weight') else 0) + 0.1 * u
    else:
        u = u * np.float32(np.sqrt(3 * shape[0] / count))
    return u.astype(np.float32).reshape(shape)


def fill(model):
    """Sets all parameters and buffers of a torch module by their names, and returns it for inference."""
    import torch
    with torch.no_grad():
        for name, p in model.state_dict().items():
            if p.is_floating_point():
                p.copy_(torch.from_numpy(np.array(tensor(name, tuple(p.shape)))))
    return model.eval()


def shapes(model):
    """Names and shapes of the floating-point tensors."""
    return {name: list(p.shape) for name, p in model.state_dict().items() if p.is_floating_point()}
