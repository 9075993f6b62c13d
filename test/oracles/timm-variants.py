"""Makes test/fixtures/published/timm-variants.json: names, shapes and logits of timm's variants of ConvNeXt.

    python test/oracles/timm-variants.py test/fixtures/published/timm-variants.json

Weights and image are those of seeded.py. The committed file was made with torch 2.15 and timm 1.0.31.
"""
import json, sys
import torch
from timm.models.convnext import ConvNeXt
from seeded import fill, noise, shapes

V2 = dict(use_grn=True, ls_init_value=None)
VARIANTS = {
    'hnf': dict(head_norm_first=True, conv_mlp=True),
    'ols tiered': dict(stem_type='overlap_tiered', conv_mlp=True),
    'ols': dict(stem_type='overlap'),
    'ols activated': dict(stem_type='overlap_act', conv_mlp=True),
    'rms': dict(norm_layer='rmsnorm2d', conv_mlp=True),
    'rms channels last': dict(norm_layer='rmsnorm'),
    'rms with hidden layer': dict(norm_layer='rmsnorm', head_hidden_size=12),
    'simple': dict(norm_layer='simplenorm', conv_mlp=True),
    'V2 ols': dict(stem_type='overlap_act', **V2),
    'V2 rms hnf': dict(norm_layer='rmsnorm', head_norm_first=True, **V2),
    'V2 small kernels': dict(kernel_sizes=(3, 5, 5, 7), **V2),
    'V2 patch 2': dict(patch_size=2, **V2),
    'V2 without bias': dict(conv_bias=False, **V2),
    'V2 gray': dict(in_chans=1, **V2),
    'V2 five channels': dict(in_chans=5, **V2),
}
SIDE = 52  # not a multiple of 8 after the stem
image = torch.from_numpy(noise('image', 3 * SIDE * SIDE)).reshape(1, 3, SIDE, SIDE)
out = {'side': SIDE, 'variants': {}}
for name, options in VARIANTS.items():
    model = fill(ConvNeXt(num_classes=5, dims=(4, 8, 12, 16), depths=(1, 2, 1, 1), **options))
    entry = {'shapes': shapes(model)}
    if options.get('in_chans', 3) == 3:
        with torch.no_grad():
            entry['logits'] = model(image)[0].tolist()
    out['variants'][name] = entry
json.dump(out, open(sys.argv[1], 'w'))
