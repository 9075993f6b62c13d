/** Valid texts of every format. */
export const TEXTS = {
  coco: JSON.stringify({
    info: { description: 'x' },
    images: [
      { id: 1, file_name: 'a.jpg', width: 30, height: 40 },
      { id: 2, file_name: 'b/c.jpg', width: 64, height: 48 },
    ],
    categories: [{ id: 1, name: 'cat', supercategory: 'animal', keypoints: ['nose'] }],
    annotations: [
      {
        id: 1,
        image_id: 1,
        category_id: 1,
        bbox: [1, 2, 10, 20],
        area: 200,
        iscrowd: 0,
        segmentation: [[1.5, 2.25, 11, 2, 11, 22, 1, 22]],
      },
      {
        id: 2,
        image_id: 1,
        category_id: 1,
        bbox: [0, 0, 30, 40],
        area: 1200,
        iscrowd: 1,
        segmentation: { size: [40, 30], counts: [100, 200, 900] },
      },
      {
        id: 3,
        image_id: 2,
        category_id: 1,
        bbox: [0, 0, 3, 4],
        area: 12,
        segmentation: { size: [40, 30], counts: 'T3X6Tl0' },
        keypoints: [1, 2, 2],
      },
    ],
  }),
  results: JSON.stringify([
    { image_id: 1, category_id: 1, bbox: [1, 2, 3.5, 4], score: 0.5 },
    {
      image_id: 1,
      category_id: 1,
      score: 0.25,
      segmentation: { size: [40, 30], counts: 'T3X6Tl0' },
    },
    { image_id: 2, category_id: 1, score: 1, segmentation: [[1, 2, 11, 2, 11, 22, 1, 22]] },
    { image_id: 2, category_id: 1, score: 1e-3, keypoints: [1, 2, 3] },
  ]),
  dataYaml: [
    'train: {annotations: coco.json, images: .}\nval: {annotations: coco.json, images: ., limit: 2}\nclasses: [cat]\n',
    'train: {labels: run, images: run}\nclasses: classes.txt\nreduceZeroLabel: true\n',
    'path: .\ntrain: images/train\nval: images/val\nnc: 2\nnames: {0: cat, 1: dog}\n',
    'base: &base {images: run, labels: run}\ntrain: *base\nval: {<<: *base}\nclasses: [a, b]\n',
  ],
  config: [
    'extends: classify\nlr: 1e-3\ntraining: {inputSize: 64, mix: null}\nlayers:\n  kind: uniform\n',
    '{"extends": "detect", "decay": {"kind": "multiStep", "milestones": [8, 11], "gamma": 0.1}}',
    'extends: [data.yaml, classify]\nbackbone: {depths: [1, 1, 1, 1], dims: [8, 16, 24, 32]}\n',
  ],
  voc:
    '<?xml version="1.0"?>\n<annotation><folder>x</folder><filename>a &amp; b.jpg</filename>' +
    '<size><width>30</width><height>40</height><depth>3</depth></size><segmented>0</segmented>' +
    '<object><name>cat</name><pose>Left</pose><truncated>0</truncated><difficult>1</difficult>' +
    '<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>20.5</xmax><ymax>30</ymax></bndbox></object></annotation>',
  cvat:
    '<annotations><version>1.1</version><meta><task><labels><label><name>cat</name></label></labels></task></meta>' +
    '<image id="0" name="a.jpg" subset="train" width="30" height="40">' +
    '<box label="cat" xtl="1.5" ytl="2" xbr="20" ybr="30" occluded="0"></box>' +
    '<polygon label="cat" points="1,2;11.5,2;11,22"/>' +
    '<mask label="cat" rle="3, 5, 4" left="2" top="3" width="4" height="3"/>' +
    '<ellipse label="cat" cx="5" cy="6" rx="2" ry="3"/></image></annotations>',
  labelme: JSON.stringify({
    version: '5.0.1',
    flags: {},
    shapes: [
      ...[
        {
          label: 'cat',
          points: [
            [1, 2],
            [11, 2],
            [11, 22],
          ],
          group_id: null,
          shape_type: 'polygon',
        },
        {
          label: 'dog',
          points: [
            [1, 2],
            [11, 22],
          ],
          group_id: 1,
          shape_type: 'rectangle',
        },
        {
          label: 'sun',
          points: [
            [5, 5],
            [7, 7],
          ],
          shape_type: 'circle',
          flags: {},
        },
      ],
    ],
    imagePath: 'a.jpg',
    imageData: 'AAECAw==',
    imageHeight: 40,
    imageWidth: 30,
  }),
  via: [
    JSON.stringify({
      'a.jpg123': {
        filename: 'a.jpg',
        size: 123,
        regions: [
          {
            shape_attributes: {
              name: 'polygon',
              all_points_x: [1, 11, 11],
              all_points_y: [2, 2, 22],
            },
            region_attributes: { name: 'cat' },
          },
          {
            shape_attributes: { name: 'rect', x: 1, y: 2, width: 3, height: 4 },
            region_attributes: { name: { cat: true } },
          },
        ],
        file_attributes: {},
      },
    }),
    JSON.stringify({
      _via_settings: {},
      _via_attributes: { region: { name: { type: 'dropdown', options: { cat: '' } } } },
      _via_img_metadata: {
        b: {
          filename: 'b.jpg',
          size: 1,
          file_attributes: {},
          regions: {
            0: {
              shape_attributes: { name: 'circle', cx: 5, cy: 5, r: 2 },
              region_attributes: { name: 'cat' },
            },
          },
        },
      },
    }),
  ],
  model: [
    JSON.stringify({
      model_type: 'convnextv2',
      depths: [1, 1, 1, 1],
      hidden_sizes: [8, 8, 8, 8],
      id2label: { 0: 'a', 1: 'b' },
      layer_norm_eps: 1e-12,
      hidden_act: 'gelu',
      image_size: 224,
    }),
    JSON.stringify({
      model_type: 'upernet',
      backbone_config: { depths: [1, 1, 1, 1], hidden_sizes: [8, 8, 8, 8], hidden_act: 'gelu' },
      id2label: { 0: 'a' },
    }),
    JSON.stringify({
      architecture: 'convnextv2_atto',
      model_args: { norm_eps: 1e-6, act_layer: 'gelu', output_stride: 32 },
      pretrained_cfg: {
        mean: [0.5, 0.5, 0.5],
        std: [0.2, 0.2, 0.2],
        input_size: [3, 224, 224],
        crop_pct: 0.875,
        crop_mode: 'center',
        interpolation: 'bicubic',
        label_names: ['a'],
      },
    }),
  ],
  preprocessor: [
    JSON.stringify({
      image_mean: [0.5, 0.5, 0.5],
      image_std: [0.2, 0.2, 0.2],
      do_normalize: true,
      size: { shortest_edge: 224 },
      crop_pct: 0.875,
      resample: 3,
      rescale_factor: 1 / 255,
    }),
    JSON.stringify({
      size: { height: 512, width: 512 },
      do_resize: true,
      do_center_crop: false,
      crop_size: { height: 224, width: 224 },
    }),
    JSON.stringify({ size: 256, crop_size: 224, do_center_crop: true }),
  ],
  pieces: JSON.stringify({
    metadata: { total_size: 25 },
    weight_map: { 'a.weight': 'model-1.safetensors', 'a.bias': 'model-1.safetensors' },
  }),
  record: JSON.stringify({
    url: 'https://example.org/a',
    bytes: 3,
    sha256: '0'.repeat(64),
    etag: 'x',
    lastModified: null,
    licence: 'MIT',
    recordedAt: '2026-01-01T00:00:00Z',
  }),
  predictions: [
    '{"file":"a.jpg","label":0,"top":[0,1]}\n{"file":"b.jpg","label":1,"topk":[{"classIndex":1},{"classIndex":0}]}',
    '{"file":"a.jpg","label":0,"logits":[1,"-Infinity"]}\n',
    '{"predictions":[{"image":"a.jpg","label":0,"top":[{"class":1},{"class":0}]}]}',
  ],
  csv: [
    'filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,30,40,cat,1,2,20,30\n"b, c.jpg",30,40,"d ""e""",1,2,3.5,4\n',
    'a.jpg,1,2,20,30,cat\nb.jpg,,,,,\n',
  ],
};

/** Files of a run folder by name. */
export function runFiles(): Readonly<Record<string, string>> {
  const table = {
    title: 'T',
    columns: ['a', 'b'],
    rows: [
      ['x', 1],
      [null, 2.5],
    ],
  };
  const rates = { imagesPerSecond: 3, dataWait: 0.1, rssBytes: 1e6 };
  const lines = [
    { kind: 'train', step: 1, epoch: 0.5, lr: 0.1, losses: { loss: 2 }, gradientNorm: 1, ...rates },
    { kind: 'train', step: 2, epoch: 1, lr: 0.1, losses: { loss: 1 }, gradientNorm: 1, ...rates },
    { kind: 'eval', step: 2, epoch: 1, which: 'weights', metrics: { top1: 0.5, count: 3 } },
  ];
  const contents: Readonly<Record<string, unknown>> = {
    'config.json': {
      format: 'convnextv2-run',
      version: 1,
      recipe: 'classify',
      data: '/d',
      seed: 0,
      weights: null,
      weightsSha256: null,
      valFraction: null,
      steps: 3,
      patience: null,
      config: { lr: 0.1, training: { inputSize: 32 } },
      sources: { lr: '--set lr' },
      environment: { node: 'v20', threads: 2 },
    },
    'evaluation.json': {
      step: 2,
      which: 'ema',
      scope: 'all 3 val images',
      metrics: { top1: 0.5 },
      tables: [table],
      charts: [
        {
          title: 'C',
          xLabel: 'x',
          yLabel: 'y',
          yScale: 'log',
          yRange: [0.1, 10],
          series: [
            {
              name: 's',
              points: [
                [0, 1],
                [1, 0.5],
              ],
            },
          ],
        },
      ],
      bars: [{ title: 'B', full: 1, bars: [{ name: 'n', value: 0.5, text: '50' }] }],
      confusion: [
        {
          title: 'M',
          rowTitle: 'r',
          columnTitle: 'c',
          rows: ['a'],
          columns: ['a', 'b'],
          counts: [[1, 2]],
        },
      ],
      pictures: [],
      data: [table, { title: 'D', bars: [] }],
    },
    'result.json': {
      step: 2,
      ended: 'finished',
      seconds: { training: 3 },
      cpuSeconds: 4,
      peakMemoryBytes: 5,
    },
    'samples/samples.json': { title: 'S', size: 'small', items: [] },
  };
  const jsonl = lines.map((line) => JSON.stringify(line)).join('\n');
  return {
    ...Object.fromEntries(
      Object.entries(contents).map(([name, content]) => [name, JSON.stringify(content)]),
    ),
    'metrics.jsonl': `${jsonl}\n`,
  };
}
