import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rleOfSegmentation } from '../../core/coco.js';
import { readCvatTables } from '../../datasets/annotations/cvat.js';
import { readLabelFile } from '../../datasets/imagenet-labels.js';
import { readLabelTable } from '../../datasets/layout/label-table.js';
import { yamlLayout } from '../../datasets/layout/yaml.js';
import { readClassNames } from '../../datasets/class-names.js';
import { readAnnotations } from '../../io/coco/annotations.js';
import { readResults } from '../../io/coco/results.js';
import { readCsvBoxes } from '../../io/csv/boxes.js';
import { decodeText } from '../../io/files/text.js';
import { embeddedImage, readLabelMe } from '../../io/labelme/read.js';
import { readVia } from '../../io/via/read.js';
import { readVocFile } from '../../io/voc/read.js';
import { readYaml } from '../../io/yaml/read.js';
import { checkYoloYaml } from '../../io/yolo/data-yaml.js';
import { readYoloLabels } from '../../io/yolo/labels.js';
import { TEXTS } from './corpus.js';
import { bytes, type Fuzzed } from './fuzzed.js';

/** Tables of classes by file name. */
const TABLES = {
  'labelmap.txt': '# label:color_rgb:parts:actions\nsky:0,0,0::\ncat:1,1,1:a,b:\n',
  'label_colors.txt': '64 128 64\tAnimal\n192 0 128 Arch way\n',
  'class_dict.csv': 'name,r,g,b\nsky,0,0,0\n"cat, big",1,1,1\n',
  '_classes.csv': 'Pixel Value, Class\n0, sky\n1, cat\n',
};

/** Readers of annotations and lists. @param root folder of the images */
export function formatParsers(root: string): readonly Fuzzed[] {
  for (const name of Object.keys(TABLES))
    mkdirSync(join(root, 'tables', name), { recursive: true });
  return [
    {
      name: 'COCO annotations',
      corpus: bytes(TEXTS.coco),
      file: 'coco.json',
      read: (file) => readAnnotations(file, () => undefined),
    },
    {
      name: 'COCO results',
      corpus: bytes(TEXTS.results),
      file: 'results.json',
      read: (file) =>
        readResults(file, {
          fields: () => ['bbox', 'segmentation', 'keypoints'],
          report: () => undefined,
          record: ({ segmentation }) => {
            if (segmentation) rleOfSegmentation(segmentation, 40, 30);
          },
        }),
    },
    { name: 'data.yaml', corpus: bytes(...TEXTS.dataYaml), file: 'data.yaml', read: yamlLayout },
    {
      name: 'data.yaml of YOLO',
      corpus: bytes(
        'path: ../set\ntrain: images/train\nval: [a, b]\nnc: 2\nnames: {0: cat, 1: dog}\n',
        'train: ../train/images\nval: val.txt\nnames: [cat, dog]\n',
      ),
      file: 'yolo.yaml',
      read: (file) => checkYoloYaml(readYaml(file), file),
    },
    ...Object.entries(TABLES).map(([name, text]) => ({
      name: `color table ${name}`,
      corpus: bytes(text),
      file: join('tables', name, name),
      read: (file: string) => readLabelTable(dirname(file)),
    })),
    {
      name: 'class names',
      corpus: bytes('cat\ndog\nthe third\n'),
      file: 'classes.txt',
      read: readClassNames,
    },
    {
      name: 'image labels',
      corpus: bytes('a.jpg 0\nb.jpg n01440764\n', 'a.jpg\tcat\t1 2 3 4\n'),
      file: 'labels.txt',
      read: (file: string) => readLabelFile(file),
    },
    {
      name: 'Pascal VOC',
      corpus: bytes(TEXTS.voc),
      file: 'a.xml',
      read: (file, input) => readVocFile(input, file),
    },
    {
      name: 'CVAT',
      corpus: bytes(TEXTS.cvat),
      file: 'annotations.xml',
      read: (file) => readCvatTables({ annotations: file, images: root }, () => undefined),
    },
    {
      name: 'YOLO labels',
      corpus: bytes('0 0.5 0.5 0.1 0.1\n1 0.1 0.1 0.2 0.1 0.2 0.2\n'),
      file: 'a.txt',
      read: (file, input) => readYoloLabels(decodeText(input, file, 'labels')),
    },
    {
      name: 'LabelMe',
      corpus: bytes(TEXTS.labelme),
      file: 'a.json',
      read: (file, input) => embeddedImage(readLabelMe(input, file), file),
    },
    {
      name: 'VIA',
      corpus: bytes(...TEXTS.via),
      file: 'via.json',
      read: (file, input) => readVia(input, file),
    },
    {
      name: 'CSV of boxes',
      corpus: bytes(...TEXTS.csv),
      file: 'boxes.csv',
      read: (file, input) => readCsvBoxes(input, file),
    },
  ];
}
