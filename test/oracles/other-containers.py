"""Makes test/fixtures/published/containers: one tiny ConvNeXt V2 in containers other than safetensors and torch.save of tensors.

    python test/oracles/other-containers.py test/fixtures/published/containers

Weights are those of seeded.py. TorchScript files lose their debugging records, which are most of their size. The committed files were made
with torch 2.15, timm 1.0.31 and NumPy 2.4.
"""
import os, pickle, sys, zipfile
import numpy as np
import torch
from timm.models.convnext import ConvNeXt
from seeded import fill

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
model = fill(ConvNeXt(num_classes=3, dims=(2, 4, 4, 6), depths=(1, 1, 1, 1), use_grn=True, ls_init_value=None))
state = {name: p.numpy() for name, p in model.state_dict().items()}


def script(name, module):
    module.save(f'{out}/full.pt')
    with zipfile.ZipFile(f'{out}/full.pt') as full, zipfile.ZipFile(f'{out}/{name}', 'w') as small:
        for entry in full.infolist():
            if not entry.filename.endswith('.debug_pkl') and '/code/' not in entry.filename:
                small.writestr(entry.filename.replace('full/', 'model/'), full.read(entry.filename))
    os.remove(f'{out}/full.pt')


script('scripted.pt', torch.jit.script(model))
script('traced.pt', torch.jit.trace(model, torch.zeros(1, 3, 32, 32)))
script('frozen.pt', torch.jit.freeze(torch.jit.script(model)))
np.savez_compressed(f'{out}/arrays.npz', **state)
big = {name: np.asfortranarray(values.astype('>f4')) for name, values in state.items()}
np.save(f'{out}/dict.npy', {'model': big, 'epoch': 3}, allow_pickle=True)
torch.save({'state_dict': state, 'best': np.array([0.5, 0.25])}, f'{out}/arrays.pth')
pickle.dump({'model': state, 'history': [np.float64(1.5)]}, open(f'{out}/protocol2.pkl', 'wb'), protocol=2)
pickle.dump(state, open(f'{out}/protocol5.pkl', 'wb'), protocol=5)
pickle.dump(dict(model.state_dict()), open(f'{out}/tensors.pkl', 'wb'))
