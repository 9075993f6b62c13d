"""Makes test/fixtures/published/mmdet-detections.json: what mmdetection 3 detects with the weights of mmdet-mask-rcnn.pth and
mmdet-cascade.pth (made by published-names.py) on square.png, and mmseg-meta.pth, a checkpoint that mmengine's runner saved
for a data set of mmsegmentation.

    python test/oracles/mmdet-detections.py test/fixtures/published

The committed files were made with mmdet 3.3.0, mmpretrain 1.2.0, mmsegmentation 1.2.2, mmengine 0.10.7 and mmcv-lite 2.2.0. Its
compiled operations are those of torchvision 0.29: RoIAlign (aligned) and NMS; classes are suppressed apart by moving their
boxes apart, as mmcv does.
"""
import json, os, sys, tempfile, types

import numpy as np
import torch
import torchvision
from PIL import Image
from pycocotools import mask as masks

DIMS, DEPTHS, CLASSES, SIDE = (8, 12, 16, 24), (1, 2, 1, 1), 7, 64
LABELS = ['tench', 'hen', 'ox', 'lark', 'newt', 'toad', 'crab']
out = sys.argv[1]


class RoIAlign(torch.nn.Module):
    def __init__(self, output_size, spatial_scale=1.0, sampling_ratio=0, pool_mode='avg', aligned=True, use_torchvision=False):
        super().__init__()
        assert pool_mode == 'avg'
        self.output_size = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
        self.spatial_scale, self.sampling_ratio, self.aligned = spatial_scale, sampling_ratio, aligned

    def forward(self, features, rois):
        # 0 is the adaptive number of samples; torchvision writes it as -1.
        return torchvision.ops.roi_align(features, rois, self.output_size, self.spatial_scale, self.sampling_ratio or -1, self.aligned)


def nms(boxes, scores, iou_threshold, offset=0, score_threshold=0, max_num=-1):
    assert offset == 0
    keep = torchvision.ops.nms(boxes, scores, iou_threshold)
    if max_num > 0:
        keep = keep[:max_num]
    return torch.cat([boxes[keep], scores[keep, None]], 1), keep


def batched_nms(boxes, scores, idxs, nms_cfg, class_agnostic=False):
    cfg = dict(nms_cfg or {})
    assert cfg.pop('type', 'nms') == 'nms' and not class_agnostic and boxes.shape[-1] == 4
    shift = idxs.to(boxes) * (boxes.max() + 1) if boxes.numel() else boxes.new_zeros(0)
    dets, keep = nms(boxes + shift[:, None], scores, cfg['iou_threshold'], max_num=cfg.get('max_num', -1))
    return torch.cat([boxes[keep], dets[:, 4:]], 1), keep


class Operations:
    """Stands for mmcv's compiled operations."""

    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec
        return ModuleSpec(name, self, is_package=True) if name == 'mmcv.ops' or name.startswith('mmcv.ops.') else None

    def create_module(self, spec):
        class Module(types.ModuleType):
            def __getattr__(self, name):
                if name.startswith('__'):
                    raise AttributeError(name)
                known = dict(RoIAlign=RoIAlign, nms=nms, batched_nms=batched_nms)
                if name in known:
                    return known[name]
                return type(name, (torch.nn.Module,), {'__init__': lambda self, *_, **__: torch.nn.Module.__init__(self)})

        module = Module(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


import mmcv
mmcv.__version__ = '2.1.0'  # mmcv-lite 2.2 has all that these models use
from mmcv.cnn.bricks import transformer
transformer.MultiScaleDeformableAttention = torch.nn.Module
sys.modules['mmpretrain.models.multimodal'] = types.ModuleType('multimodal')
sys.meta_path.insert(0, Operations())
import mmpretrain.models
from mmdet.models import CascadeRCNN, MaskRCNN
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict

channels, norm = 8, dict(type='SyncBN', requires_grad=True)
coder = dict(type='DeltaXYWHBBoxCoder', target_means=[0.0] * 4)
stds = lambda scale: coder | dict(target_stds={1: [0.1, 0.1, 0.2, 0.2], 2: [0.05, 0.05, 0.1, 0.1], 3: [0.033, 0.033, 0.067, 0.067]}[scale])
extractor = lambda size: dict(type='SingleRoIExtractor', roi_layer=dict(type='RoIAlign', output_size=size, sampling_ratio=0),
                              out_channels=channels, featmap_strides=[4, 8, 16, 32])
mask_head = dict(type='FCNMaskHead', num_convs=4, in_channels=channels, conv_out_channels=channels, num_classes=CLASSES)
test_cfg = dict(rpn=dict(nms_pre=1000, max_per_img=1000, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0),
                rcnn=dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=100, mask_thr_binary=0.5))
common = ConfigDict(
    backbone=dict(type='mmpretrain.ConvNeXt', arch=dict(depths=list(DEPTHS), channels=list(DIMS)), out_indices=[0, 1, 2, 3],
                  layer_scale_init_value=1.0, gap_before_final_norm=False),
    neck=dict(type='FPN', in_channels=list(DIMS), out_channels=channels, num_outs=5),
    rpn_head=dict(type='RPNHead', in_channels=channels, feat_channels=channels,
                  anchor_generator=dict(type='AnchorGenerator', scales=[8], ratios=[0.5, 1.0, 2.0], strides=[4, 8, 16, 32, 64]),
                  bbox_coder=coder | dict(target_stds=[1.0] * 4)),
    train_cfg=None, test_cfg=test_cfg)
box_head = lambda kind, scale, **rest: dict(type=kind, in_channels=channels, fc_out_channels=16, roi_feat_size=7, num_classes=CLASSES,
                                            bbox_coder=stds(scale), reg_class_agnostic=False, **rest)
models = {
    'mmdet-mask-rcnn.pth': lambda: MaskRCNN(**common, roi_head=ConfigDict(
        type='StandardRoIHead', bbox_roi_extractor=extractor(7), mask_roi_extractor=extractor(14), mask_head=mask_head,
        bbox_head=box_head('Shared2FCBBoxHead', 1))),
    'mmdet-cascade.pth': lambda: CascadeRCNN(**common, roi_head=ConfigDict(
        type='CascadeRoIHead', num_stages=3, stage_loss_weights=[1, 0.5, 0.25], bbox_roi_extractor=extractor(7),
        mask_roi_extractor=extractor(14), mask_head=mask_head,
        bbox_head=[box_head('ConvFCBBoxHead', scale, num_shared_convs=4, num_shared_fcs=1, conv_out_channels=channels,
                            reg_decoded_bbox=True, norm_cfg=norm, loss_bbox=dict(type='GIoULoss', loss_weight=10.0))
                  for scale in (1, 2, 3)])),
}


def square():
    x = torch.from_numpy(np.array(Image.open(f'{out}/square.png').convert('RGB'))).permute(2, 0, 1)[None].float() / 255
    return (x - torch.tensor((0.485, 0.456, 0.406)).view(1, 3, 1, 1)) / torch.tensor((0.229, 0.224, 0.225)).view(1, 3, 1, 1)


results = {}
for name, make in models.items():
    model = make().eval()
    state = torch.load(f'{out}/{name}', weights_only=False, map_location='cpu')['state_dict']
    model.load_state_dict(state, strict=True)
    sample = DetDataSample()
    sample.set_metainfo(dict(img_shape=(SIDE, SIDE), ori_shape=(SIDE, SIDE), pad_shape=(SIDE, SIDE), batch_input_shape=(SIDE, SIDE),
                             scale_factor=(1.0, 1.0)))
    with torch.no_grad():
        [found] = model.predict(square(), [sample], rescale=True)
    objects = found.pred_instances
    results[name] = [dict(box=[round(v, 4) for v in box.tolist()], score=round(score.item(), 7), label=label.item(),
                          mask=masks.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))['counts'].decode())
                     for box, score, label, mask in zip(objects.bboxes, objects.scores, objects.labels, objects.masks)]
    print(name, len(results[name]), 'objects')
with open(f'{out}/mmdet-detections.json', 'w') as file:
    file.write('{\n' + ',\n'.join(f' {json.dumps(k)}: [\n  ' + ',\n  '.join(json.dumps(o) for o in v) + '\n ]' for k, v in results.items()) + '\n}\n')

# A checkpoint as mmengine's runner leaves it, with the metadata of a data set of mmsegmentation.
from mmengine.config import Config
from mmengine.runner import Runner
from mmseg.datasets import BaseSegDataset
from mmseg.models import EncoderDecoder  # noqa: F401, registers
from mmseg.registry import DATASETS
from mmengine.registry import DefaultScope


@DATASETS.register_module()
class Pond(BaseSegDataset):
    METAINFO = dict(classes=tuple(LABELS), palette=[[10 * k, 20, 255 - 30 * k] for k in range(CLASSES)])

    def load_data_list(self):
        return [dict(img_path='a.png', seg_map_path='a.png', label_map=None, reduce_zero_label=False, seg_fields=[])]


bn = dict(type='BN', requires_grad=True)
with tempfile.TemporaryDirectory() as work:
    runner = Runner.from_cfg(Config(dict(
        default_scope='mmseg', work_dir=work, log_level='ERROR',
        model=dict(type='EncoderDecoder',
                   backbone=dict(type='mmpretrain.ConvNeXt', arch=dict(depths=[1, 1, 1, 1], channels=[4, 4, 8, 8]), out_indices=[0, 1, 2, 3],
                                 layer_scale_init_value=1.0, gap_before_final_norm=False),
                   decode_head=dict(type='UPerHead', in_channels=[4, 4, 8, 8], in_index=[0, 1, 2, 3], pool_scales=(1, 2, 3, 6), channels=4,
                                    num_classes=CLASSES, norm_cfg=bn, align_corners=False),
                   auxiliary_head=dict(type='FCNHead', in_channels=8, in_index=2, channels=4, num_convs=1, concat_input=False,
                                       num_classes=CLASSES, norm_cfg=bn, align_corners=False),
                   test_cfg=dict(mode='whole')),
        train_dataloader=dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                              dataset=dict(type='Pond', pipeline=[])),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=1),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)))))
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.save_checkpoint(work, 'pond.pth', save_optimizer=False, save_param_scheduler=False, meta=dict(epoch=0, iter=1))
    state = torch.load(f'{work}/pond.pth', weights_only=False, map_location='cpu')
    state['meta'].pop('cfg', None) if len(str(state['meta'].get('cfg', ''))) > 20000 else None
    torch.save(state, f'{out}/mmseg-meta.pth')
    print('meta', {k: (v if k == 'dataset_meta' else type(v).__name__) for k, v in state['meta'].items()})
