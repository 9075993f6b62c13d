"""Makes test/fixtures/published: tiny ConvNeXt models of random weights as the libraries that publish them save them, with their outputs.

    python test/oracles/published-names.py test/fixtures/published [timm] [torchvision] [transformers] [openmmlab] [mmdet]

Needs torch, timm, torchvision, transformers, open_clip_torch, Pillow and, for OpenMMLab's, mmpretrain and mmsegmentation with mmcv-lite;
what cannot be imported is left out and said. The committed files were made with torch 2.15, timm 1.0.31, torchvision 0.29,
transformers 5.24, open_clip 3.3.
"""
import argparse, json, os, sys
import numpy as np
import torch
from PIL import Image

DIMS, DEPTHS, CLASSES, SIDE = (8, 12, 16, 24), (1, 2, 1, 1), 7, 64
LABELS = ['tench', 'hen', 'ox', 'lark', 'newt', 'toad', 'crab']
out = sys.argv[1]
os.makedirs(out, exist_ok=True)


def randomize(model, seed):
    """Weights of a size that gives distinct probabilities, whatever the library's initialization is."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in list(model.named_parameters()) + [(n, b) for n, b in model.named_buffers() if b.is_floating_point()]:
            noise = torch.randn(p.shape, generator=generator)
            if name.endswith('running_var'):
                p.copy_(1 + 0.2 * noise.abs())
            elif 'gamma' in name or 'layer_scale' in name:
                p.copy_(0.5 + 0.2 * noise)
            elif 'grn' in name:
                p.copy_(0.3 * noise)
            elif p.ndim <= 1:
                p.copy_((1 if name.endswith('weight') else 0) + 0.1 * noise)
            else:
                p.copy_(noise / max(p[0].numel(), 1) ** 0.5)
    return model.eval()


def picture(width, height):
    """A PNG that is smooth enough to resize and has all colors."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = [np.sin(x / 9 + y / 17), np.cos(x / 13 - y / 7), np.sin((x + 2 * y) / 21)]
    return Image.fromarray((127.5 + 120 * np.stack(waves, -1)).astype(np.uint8))


square, wide = picture(SIDE, SIDE), picture(96, 80)
square.save(f'{out}/square.png')
wide.save(f'{out}/wide.png')
results = {}


def record(name, **values):
    results[name] = {key: value.tolist() if torch.is_tensor(value) else value for key, value in values.items()}


def normalized(image, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):
    x = torch.from_numpy(np.asarray(image)).permute(2, 0, 1)[None].float() / 255
    return (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)


def timm_models():
    import timm
    from timm.data import create_transform, resolve_data_config
    from timm.models.convnext import ConvNeXt
    clip = dict(mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711))
    for name, kwargs, cfg in (
        ('timm-v2', dict(use_grn=True, ls_init_value=None), dict(crop_pct=0.95)),
        ('timm-clip-mlp', dict(head_hidden_size=20), dict(crop_pct=1.0, **clip)),
        ('timm-v1-conv-mlp', dict(conv_mlp=True, norm_eps=1e-3), dict(crop_pct=1.0, crop_mode='squash', **clip)),
    ):
        model = randomize(ConvNeXt(num_classes=CLASSES, dims=DIMS, depths=DEPTHS, **kwargs), 1)
        cfg = dict(architecture='convnext_base', input_size=(3, SIDE, SIDE), interpolation='bicubic', num_classes=CLASSES,
                   first_conv='stem.0', classifier='head.fc', **({'mean': (0.485, 0.456, 0.406), 'std': (0.229, 0.224, 0.225)} | cfg))
        model.pretrained_cfg = model.default_cfg = cfg
        timm.models.save_for_hf(model, f'{out}/{name}', model_args={k: v for k, v in kwargs.items() if k == 'norm_eps'} or None,
                                safe_serialization=True)
        path = f'{out}/{name}/config.json'
        config = json.load(open(path))
        config.setdefault('pretrained_cfg', cfg)
        json.dump(config, open(path, 'w'), indent=1)
        transform = create_transform(**resolve_data_config({}, pretrained_cfg=cfg))
        with torch.no_grad():
            record(name, probabilities=model(transform(wide)[None])[0].softmax(-1))
        for leftover in os.listdir(f'{out}/{name}'):
            if leftover.endswith('.bin'):
                os.remove(f'{out}/{name}/{leftover}')
    # As timm's training script leaves it, with an average of the weights.
    model = randomize(ConvNeXt(num_classes=CLASSES, dims=DIMS, depths=DEPTHS, use_grn=True, ls_init_value=None), 2)
    state = {'epoch': 3, 'arch': 'convnextv2_atto', 'version': 2, 'args': argparse.Namespace(lr=0.1, input_size=(3, 64, 64)),
             'state_dict': {f'module._orig_mod.{k}': v for k, v in model.state_dict().items()},
             'state_dict_ema': {k: 2 * v for k, v in model.state_dict().items()}, 'amp_scaler': {}}
    torch.save(state, f'{out}/timm-train.pth.tar')
    with torch.no_grad():
        record('timm-train.pth.tar', probabilities=model(normalized(square))[0].softmax(-1))
    # features_only: the same names behind stem_0 and stages_0; open_clip: the trunk.
    from timm.models import register_model, build_model_with_cfg
    def convnext_mini(pretrained=False, **kwargs):
        return build_model_with_cfg(ConvNeXt, 'convnext_mini', pretrained, feature_cfg=dict(out_indices=(0, 1, 2, 3), flatten_sequential=True),
                                    pretrained_filter_fn=None, **({'dims': DIMS, 'depths': DEPTHS} | kwargs))
    convnext_mini.__module__ = 'timm.models.convnext'
    from timm.models._registry import generate_default_cfgs
    from timm.models.convnext import default_cfgs, _cfg
    timm.models.convnext.convnext_mini = convnext_mini
    timm.models.convnext.__all__ = list(getattr(timm.models.convnext, '__all__', [])) + ['convnext_mini']
    default_cfgs.update(generate_default_cfgs({'convnext_mini': _cfg()}))
    register_model(convnext_mini)
    features = randomize(timm.create_model('convnext_mini', features_only=True), 3)
    torch.save(features.state_dict(), f'{out}/timm-features-only.pth')
    with torch.no_grad():
        record('timm-features-only.pth', pooled=features(normalized(square))[-1].mean((2, 3))[0])
    import open_clip
    from open_clip.model import CustomTextCLIP
    clip_model = randomize(CustomTextCLIP(16, dict(timm_model_name='convnext_mini', timm_pool='', timm_proj='linear', image_size=SIDE),
                                          dict(context_length=8, vocab_size=64, width=16, heads=2, layers=1)), 4)
    torch.save(clip_model.state_dict(), f'{out}/open-clip.pt')
    with torch.no_grad():
        record('open-clip.pt', pooled=clip_model.visual.trunk.forward_features(normalized(square)).mean((2, 3))[0])


def torchvision_models():
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt
    blocks = [CNBlockConfig(DIMS[i], DIMS[i + 1] if i < 3 else None, DEPTHS[i]) for i in range(4)]
    model = randomize(ConvNeXt(blocks, num_classes=CLASSES), 5)
    torch.save(model.state_dict(), f'{out}/torchvision.pth')
    with torch.no_grad():
        record('torchvision.pth', probabilities=model(normalized(square))[0].softmax(-1))


def transformers_models():
    from transformers import (ConvNextConfig, ConvNextForImageClassification, ConvNextV2Config, ConvNextV2ForImageClassification,
                              DINOv3ConvNextConfig, DINOv3ConvNextModel, UperNetConfig, UperNetForSemanticSegmentation)
    from transformers.models.convnext.image_processing_pil_convnext import ConvNextImageProcessorPil
    names = {i: label for i, label in enumerate(LABELS)}
    common = dict(depths=list(DEPTHS), hidden_sizes=list(DIMS), image_size=SIDE, id2label=names, label2id={v: k for k, v in names.items()})
    for name, config, cls, statistics, seed in (
        ('hf-v1', ConvNextConfig(**common), ConvNextForImageClassification, dict(image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.5, 0.5]), 6),
        ('hf-v2-sharded', ConvNextV2Config(**common), ConvNextV2ForImageClassification, dict(crop_pct=0.9), 7),
    ):
        model = randomize(cls(config), seed)
        model.save_pretrained(f'{out}/{name}', max_shard_size='30KB' if 'sharded' in name else '1GB')
        processor = ConvNextImageProcessorPil(size={'shortest_edge': SIDE}, **statistics)
        processor.save_pretrained(f'{out}/{name}')
        with torch.no_grad():
            record(name, probabilities=model(processor(wide, return_tensors='pt')['pixel_values']).logits[0].softmax(-1))
    model = randomize(DINOv3ConvNextModel(DINOv3ConvNextConfig(depths=list(DEPTHS), hidden_sizes=list(DIMS))), 8)
    model.save_pretrained(f'{out}/hf-dinov3')
    with torch.no_grad():
        record('hf-dinov3', pooled=model(normalized(square)).pooler_output[0])
    for name, backbone_config, seed in (
        ('hf-upernet-v1', ConvNextConfig(**common, out_features=['stage1', 'stage2', 'stage3', 'stage4']), 9),
        ('hf-upernet-v2', ConvNextV2Config(**common, out_features=['stage1', 'stage2', 'stage3', 'stage4']), 10),
    ):
        config = UperNetConfig(backbone_config=backbone_config, hidden_size=16, auxiliary_channels=8, auxiliary_in_channels=DIMS[2],
                               id2label=names, label2id={v: k for k, v in names.items()}, use_auxiliary_head='v1' in name)
        model = randomize(UperNetForSemanticSegmentation(config), seed)
        model.save_pretrained(f'{out}/{name}')
        quarter = {}
        model.decode_head.register_forward_hook(lambda _, __, y: quarter.update(logits=y))
        with torch.no_grad():
            logits = model(normalized(square)).logits[0]
        record(name, shape=list(quarter['logits'].shape), logits=quarter['logits'].flatten(), labels=logits.argmax(0).flatten())


def openmmlab_models():
    import mmcv
    mmcv.__version__ = '2.1.0'  # mmcv-lite 2.2 has all that these models use
    from mmcv.cnn.bricks import transformer
    transformer.MultiScaleDeformableAttention = torch.nn.Module  # its compiled operations are not needed either
    import types
    sys.modules['mmpretrain.models.multimodal'] = types.ModuleType('multimodal')  # needs an old transformers
    sys.meta_path.insert(0, Operations())
    from mmpretrain.models import ConvNeXt, ImageClassifier
    for name, v2, seed in (('mmpretrain-v1.pth', False, 11), ('mmpretrain-v2.pth', True, 12)):
        model = randomize(ImageClassifier(
            backbone=dict(type=ConvNeXt, arch=dict(depths=list(DEPTHS), channels=list(DIMS)), use_grn=v2, layer_scale_init_value=0.0 if v2 else 1e-6),
            head=dict(type='LinearClsHead', num_classes=CLASSES, in_channels=DIMS[3])), seed)
        torch.save({'meta': {'epoch': 3}, 'state_dict': model.state_dict(), 'message_hub': message_hub()}, f'{out}/{name}')
        with torch.no_grad():
            record(name, probabilities=model(normalized(square), mode='tensor')[0].softmax(-1))
    from mmseg.models import EncoderDecoder
    norm = dict(type='BN', requires_grad=True)
    model = randomize(EncoderDecoder(
        backbone=dict(type='mmpretrain.ConvNeXt', arch=dict(depths=list(DEPTHS), channels=list(DIMS)), out_indices=[0, 1, 2, 3],
                      layer_scale_init_value=1.0, gap_before_final_norm=False),
        decode_head=dict(type='UPerHead', in_channels=list(DIMS), in_index=[0, 1, 2, 3], pool_scales=(1, 2, 3, 6), channels=16,
                         dropout_ratio=0.1, num_classes=CLASSES, norm_cfg=norm, align_corners=False),
        auxiliary_head=dict(type='FCNHead', in_channels=DIMS[2], in_index=2, channels=8, num_convs=1, concat_input=False,
                            num_classes=CLASSES, norm_cfg=norm, align_corners=False),
        test_cfg=dict(mode='whole')), 13)
    torch.save({'meta': {'iter': 160000}, 'state_dict': model.state_dict(), 'message_hub': message_hub()}, f'{out}/mmseg-upernet.pth')
    with torch.no_grad():
        logits = model.decode_head(model.extract_feat(normalized(square)))
        labels = torch.nn.functional.interpolate(logits, (SIDE, SIDE), mode='bilinear', align_corners=False)[0].argmax(0)
    record('mmseg-upernet.pth', shape=list(logits.shape), logits=logits.flatten(), labels=labels.flatten())


def mmdet_models():
    """Detectors of mmdetection 3: names and shapes only, because they cannot run without compiled operations."""
    import mmcv
    mmcv.__version__ = '2.1.0'
    from mmcv.cnn.bricks import transformer
    transformer.MultiScaleDeformableAttention = torch.nn.Module
    import types
    sys.modules['mmpretrain.models.multimodal'] = types.ModuleType('multimodal')
    if not any(isinstance(finder, Operations) for finder in sys.meta_path):
        sys.meta_path.insert(0, Operations())
    import mmpretrain.models
    from mmdet.models import CascadeRoIHead, StandardRoIHead, FPN, RPNHead
    from mmdet.registry import MODELS
    from mmpretrain.models import ConvNeXt
    channels, norm = 8, dict(type='SyncBN', requires_grad=True)
    coder = dict(type='DeltaXYWHBBoxCoder', target_means=[0.0] * 4, target_stds=[0.1, 0.1, 0.2, 0.2])
    extractor = lambda size: dict(type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=0),
                                  out_channels=channels, featmap_strides=[4, 8, 16, 32])
    mask_head = dict(type='FCNMaskHead', num_convs=4, in_channels=channels, conv_out_channels=channels, num_classes=CLASSES)
    heads = {
        'mmdet-mask-rcnn.pth': lambda: StandardRoIHead(
            bbox_roi_extractor=extractor(7), mask_roi_extractor=extractor(14), mask_head=mask_head,
            bbox_head=dict(type='Shared2FCBBoxHead', in_channels=channels, fc_out_channels=16, roi_feat_size=7, num_classes=CLASSES,
                           bbox_coder=coder, reg_class_agnostic=False)),
        'mmdet-cascade.pth': lambda: CascadeRoIHead(
            num_stages=3, stage_loss_weights=[1, 0.5, 0.25], bbox_roi_extractor=extractor(7), mask_roi_extractor=extractor(14),
            mask_head=mask_head,
            bbox_head=[dict(type='ConvFCBBoxHead', num_shared_convs=4, num_shared_fcs=1, in_channels=channels, conv_out_channels=channels,
                            fc_out_channels=16, roi_feat_size=7, num_classes=CLASSES, bbox_coder=coder, reg_class_agnostic=False,
                            reg_decoded_bbox=True, norm_cfg=norm, loss_bbox=dict(type='GIoULoss', loss_weight=10.0)) for _ in range(3)]),
    }
    for i, (name, roi_head) in enumerate(heads.items()):
        model = torch.nn.Module()
        model.backbone = ConvNeXt(arch=dict(depths=list(DEPTHS), channels=list(DIMS)), out_indices=[0, 1, 2, 3],
                                  layer_scale_init_value=1.0, gap_before_final_norm=False)
        model.neck = FPN(in_channels=list(DIMS), out_channels=channels, num_outs=5)
        model.rpn_head = RPNHead(in_channels=channels, feat_channels=channels,
                                 anchor_generator=dict(type='AnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64]),
                                 bbox_coder=coder | {'target_stds': [1.0] * 4})
        model.roi_head = roi_head()
        randomize(model, 20 + i)
        state = {'meta': {'epoch': 36}, 'state_dict': model.state_dict(), 'message_hub': message_hub()}
        torch.save(state, f'{out}/{name}')
        record(name, parameters=sum(p.numel() for p in model.parameters()))


class Operations:
    """Stands for mmcv's compiled operations, which the state dicts here do not need."""

    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec
        return ModuleSpec(name, self, is_package=True) if name == 'mmcv.ops' or name.startswith('mmcv.ops.') else None

    def create_module(self, spec):
        import types

        class Module(types.ModuleType):
            def __getattr__(self, name):
                if name.startswith('__'):
                    raise AttributeError(name)
                return type(name, (torch.nn.Module,), {'__init__': lambda self, *_, **__: torch.nn.Module.__init__(self)})

        module = Module(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def message_hub():
    """What mmengine leaves beside the weights of a training checkpoint."""
    from mmengine.logging import HistoryBuffer
    return {'log_scalars': {'train/loss': HistoryBuffer([1.0, 2.0], [1, 1])}, 'runtime_info': {'iter': np.int64(3)}, 'resumed_keys': {}}


everything = (timm_models, torchvision_models, transformers_models, openmmlab_models, mmdet_models)
path = f'{out}/outputs.json'
if len(sys.argv) > 2:  # only some, e.g. openmmlab
    everything = [make for make in everything if make.__name__.startswith(tuple(sys.argv[2:]))]
    results = json.load(open(path))
for make in everything:
    try:
        make()
    except ImportError as error:
        print(f'{make.__name__}: left out ({error})')
json.dump(results, open(path, 'w'))
