/** Two examples of every command, by its names; empty for the program. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  '': [
    'convnextv2 predict cascade-mask-rcnn.convnext_tiny_coco photo.jpg',
    'convnextv2 train detect --data DIR --minutes 30 --out RUN',
  ],
  benchmark: [
    'convnextv2 benchmark --task detect --model tiny',
    'convnextv2 benchmark --mode train --batch 16 --threads 4',
  ],
  init: ['convnextv2 init', 'convnextv2 init --data DIR --machine small --yes'],
  predict: [
    'convnextv2 predict RUN photo.jpg --out pictures/',
    'convnextv2 predict tiny.fcmae_ft_in1k photos/ --top 3 --json',
  ],
  export: [
    'convnextv2 export RUN --out model.onnx',
    'convnextv2 export RUN --web site/ --precision fp16',
  ],
  eval: [
    'convnextv2 eval RUN --data DIR --per-category',
    'convnextv2 eval tiny.fcmae_ft_in1k --data imagenet/ --out scores/',
  ],
  train: [
    'convnextv2 train detect --data DIR --minutes 30 --out RUN',
    'convnextv2 train RUN --resume',
  ],
  config: ['convnextv2 config list', 'convnextv2 config print detect'],
  'config list': ['convnextv2 config list', 'convnextv2 config list --json'],
  'config print': [
    'convnextv2 config print detect > my.yaml',
    'convnextv2 config print detect --set lr=2e-4 --model nano',
  ],
  analyze: ['convnextv2 analyze flops tiny', 'convnextv2 analyze logs RUN1 RUN2 --out runs.html'],
  'analyze collapse': [
    'convnextv2 analyze collapse RUN --data photos/ --out pictures/',
    'convnextv2 analyze collapse RUN1 RUN2 --data photos/ --out pictures/ --limit 64',
  ],
  'analyze errors': [
    'convnextv2 analyze errors RUN --data DIR',
    'convnextv2 analyze errors RUN --data DIR --split train --json',
  ],
  'analyze flops': [
    'convnextv2 analyze flops tiny',
    'convnextv2 analyze flops RUN --size 512 --json',
  ],
  'analyze logs': [
    'convnextv2 analyze logs RUN1 RUN2',
    'convnextv2 analyze logs RUN1 RUN2 --out runs.html',
  ],
  compare: [
    'convnextv2 compare RUN1 RUN2 --data DIR',
    'convnextv2 compare RUN1 RUN2 RUN3 --data DIR --out compare.html --json',
  ],
  data: ['convnextv2 data check DIR', 'convnextv2 data browse DIR --out browse.html'],
  'data check': [
    'convnextv2 data check DIR --decode',
    'convnextv2 data check DIR --results results.json --all',
  ],
  'data stats': [
    'convnextv2 data stats DIR',
    'convnextv2 data stats DIR --duplicates --out stats.html',
  ],
  'data browse': [
    'convnextv2 data browse DIR --out browse.html',
    'convnextv2 data browse DIR --out browse.html --limit 1000 --thumbnail 320',
  ],
  'data split': [
    'convnextv2 data split DIR --out DIVIDED --val-fraction 0.2',
    'convnextv2 data split DIR --out DIVIDED --group "^(.*)_[0-9]+" --seed 3',
  ],
  'data convert': [
    'convnextv2 data convert DIR --to coco --out CONVERTED',
    'convnextv2 data convert DIR --to masks --task segment --out CONVERTED',
  ],
  'data shapes': [
    'convnextv2 data shapes --out shapes/',
    'convnextv2 data shapes --out shapes/ --train 200 --val 40 --labels',
  ],
  doctor: ['convnextv2 doctor', 'convnextv2 doctor --json'],
  demo: ['convnextv2 demo', 'convnextv2 demo --out runs/long --images 1000 --epochs 8'],
  score: [
    'convnextv2 score coco --gt annotations.json --dt results.json --type bbox',
    'convnextv2 score ade20k --gt labels/ --dt predictions/',
  ],
  'score coco': [
    'convnextv2 score coco --gt annotations.json --dt results.json --type bbox',
    'convnextv2 score coco --gt annotations.json --dt a.json b.json --type segm --errors',
  ],
  'score lvis': [
    'convnextv2 score lvis --gt lvis_v1_val.json --dt results.json --type segm',
    'convnextv2 score lvis --gt lvis_v1_val.json --dt results.json --type bbox --fixed',
  ],
  'score ade20k': [
    'convnextv2 score ade20k --gt labels/ --dt predictions/',
    'convnextv2 score ade20k --gt labels/ --dt predictions/ --per-class --boundary',
  ],
  'score imagenet': [
    'convnextv2 score imagenet --dt predictions.json',
    'convnextv2 score imagenet --dt logits.jsonl --gt labels.txt --json',
  ],
  serve: ['convnextv2 serve RUN', 'convnextv2 serve bolts=RUN1 nuts=RUN2 --port 9000'],
  weights: ['convnextv2 weights list', 'convnextv2 weights pull tiny.fcmae_ft_in1k'],
  'weights list': ['convnextv2 weights list', 'convnextv2 weights list --task detect --json'],
  'weights pull': [
    'convnextv2 weights pull tiny.fcmae_ft_in1k',
    'convnextv2 weights pull cascade-mask-rcnn.convnext_tiny_coco --cache DIR',
  ],
  'weights inspect': [
    'convnextv2 weights inspect model.pth',
    'convnextv2 weights inspect model.safetensors --tensors',
  ],
  'weights convert': [
    'convnextv2 weights convert model.pth model.safetensors',
    'convnextv2 weights convert model.pth model.safetensors --to timm --dtype f16',
  ],
  'weights verify': [
    'convnextv2 weights verify tiny.fcmae_ft_in1k',
    'convnextv2 weights verify model.pth --as tiny.fcmae_ft_in1k',
  ],
  completion: [
    'convnextv2 completion bash >> ~/.bashrc   # zsh: >> ~/.zshrc, after compinit',
    'convnextv2 completion fish >> ~/.config/fish/config.fish',
  ],
};
