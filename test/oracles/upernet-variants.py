"""Makes test/fixtures/published/upernet-variants.json: UPerNets of transformers and mmsegmentation with other pooling scales, widths and
auxiliary heads: names, shapes and logits.

    python test/oracles/upernet-variants.py test/fixtures/published/upernet-variants.json

Weights and image are those of seeded.py. The committed file was made with torch 2.15, transformers 5.24 and mmsegmentation 1.2.2.
"""
import json, sys
import torch
from transformers import ConvNextConfig, ConvNextV2Config, UperNetConfig, UperNetForSemanticSegmentation
from seeded import fill, noise, shapes

SIDE = 64
BACKBONE = dict(hidden_sizes=[4, 8, 12, 16], depths=[1, 1, 2, 1], out_features=['stage1', 'stage2', 'stage3', 'stage4'])
VARIANTS = {
    'hf three scales': (ConvNextV2Config, dict(pool_scales=[1, 2, 5], use_auxiliary_head=False)),
    'hf deep auxiliary': (ConvNextV2Config, dict(auxiliary_channels=4, auxiliary_num_convs=2, auxiliary_concat_input=True)),
    'hf narrow': (ConvNextConfig, dict(hidden_size=6, pool_scales=[2, 4, 6, 8], auxiliary_channels=5, auxiliary_in_channels=12)),
}
image = torch.from_numpy(noise('image', 3 * SIDE * SIDE)).reshape(1, 3, SIDE, SIDE)
out = {'side': SIDE, 'variants': {}}
for name, (backbone, options) in VARIANTS.items():
    config = UperNetConfig(backbone_config=backbone(**BACKBONE), num_labels=5, **{'hidden_size': 8, **options})
    model = fill(UperNetForSemanticSegmentation(config))
    with torch.no_grad():
        # Before transformers resizes them to the image.
        logits = model.decode_head(model.backbone.forward_with_filtered_kwargs(image).feature_maps)
    out['variants'][name] = {'config': {'model_type': 'upernet', 'pool_scales': config.pool_scales}, 'shapes': shapes(model),
                             'logits': [round(v, 6) for v in logits[0].permute(1, 2, 0).flatten()[::7].tolist()]}
json.dump(out, open(sys.argv[1], 'w'))
