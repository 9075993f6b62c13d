import { describe, expect, test } from 'vitest';
import { DataError, ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { readVocFile } from '../../io/voc/read.js';
import { readYaml } from '../../io/yaml/read.js';
import { checkYoloYaml, isYoloYaml } from '../../io/yolo/data-yaml.js';
import { readYoloLabels } from '../../io/yolo/labels.js';
import { decodeText } from '../../io/files/text.js';
import { createCocoSet } from '../../datasets/coco/set.js';
import { checkCocoTables } from '../../datasets/coco/checks.js';
import { ProblemLog } from '../../datasets/problems.js';
import { readTables } from '../../datasets/annotations/read.js';
import type { AnnotationSource } from '../../datasets/annotations/source.js';
import { dataFolder } from '../helpers/data-folder.js';

const folder = dataFolder();
/** Inputs of each parser; `CONVNEXTV2_MUTATIONS=100000` for a long run. */
const COUNT = Number(process.env['CONVNEXTV2_MUTATIONS'] ?? 2000);

const VOC = `<?xml version="1.0"?>
<annotation verified="yes"><folder>x</folder><filename>a.png</filename><size><width>64</width><height>48</height><depth>3</depth></size>
<object><name>cat</name><difficult>0</difficult><bndbox><xmin>8.5</xmin><ymin>9</ymin><xmax>52</xmax><ymax>40</ymax></bndbox><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part></object>
<object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>4</ymax></bndbox><polygon><x1>1</x1><y1>1</y1><x2>5</x2><y2>1</y2><x3>5</x3><y3>4</y3></polygon></object></annotation>`;
const YOLO = '0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.9\n\n1 0.25 0.75 0.125 0.0625\n';
const YAML =
  'path: .\ntrain: images/train\nval: [images/a, images/b]\nnc: 2\nnames:\n  0: cat\n  1: "dog"\n';
const CVAT = `<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels><label><name>cat</name></label><label><name>dog</name></label></labels></task></meta>
<image id="0" name="a.png" subset="train" width="64" height="48"><box label="cat" xtl="1.5" ytl="2" xbr="40" ybr="30" rotation="10"/>
<polygon label="dog" points="1,1;20,1;20,20" group_id="1"/><mask label="cat" rle="1, 2, 1, 2" left="2" top="1" width="3" height="2"/><polyline label="cat" points="1,1;2,2"/></image></annotations>`;

/** What breaks parsers: numbers, entities, nesting, bytes that are no text. */
const PIECES: readonly string[] = [
  ...['1e999', '-1e999', 'NaN', 'Infinity', '9'.repeat(400), '-0', '0x10', '1e-320', '1,5', '١٢'],
  ...[
    '\0',
    '\ufeff',
    '\ud800',
    '\r',
    '\u2028',
    '&',
    '&lt;',
    '&#0;',
    '&#x110000;',
    '&unknown;',
    '"',
    "'",
    '<',
    '>',
    '/>',
  ],
  ...[
    '<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>',
    '&y;',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?pi?>',
  ],
  ...[
    '<object>',
    '</object>',
    '<name>',
    '<a>'.repeat(100),
    '__proto__',
    'constructor',
    '*a',
    '&a ',
    '!!js/function',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '- ',
    '|',
    '\t',
    ';',
    ',',
    ' ',
  ],
];

function mutated(text: string, random: Random): Uint8Array {
  let bytes = Buffer.from(text);
  const at = (): number => random.integer(bytes.length + 1);
  for (let n = 1 + random.integer(4); n > 0; n--) {
    const [from, to] = [at(), at()].sort((a, b) => a - b);
    const piece = Buffer.from(PIECES[random.integer(PIECES.length)]);
    switch (random.integer(7)) {
      case 0:
        bytes = Buffer.concat([bytes.subarray(0, from), piece, bytes.subarray(from)]);
        break;
      case 1:
        bytes = Buffer.concat([
          bytes.subarray(0, from),
          piece,
          bytes.subarray(Math.min(to, from + 12)),
        ]);
        break;
      case 2:
        bytes = bytes.subarray(0, from);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
        break;
      case 4:
        if (from < bytes.length)
          bytes = Buffer.from(bytes.map((byte, i) => (i === from ? random.integer(256) : byte)));
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
        break;
      default:
        bytes = random.integer(4) === 0 ? Buffer.from(bytes.toString('latin1'), 'utf16le') : bytes;
    }
  }
  return bytes;
}

/** Runs a parser on mutations. @returns how many were accepted and refused, and the longest time in ms */
async function survive(
  text: string,
  seed: number,
  count: number,
  parse: (bytes: Uint8Array) => unknown,
) {
  const random = new Random(seed);
  let [accepted, refused, longest] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const bytes = mutated(text, random);
    const start = performance.now();
    try {
      await parse(bytes);
      accepted++;
    } catch (error) {
      if (!(error instanceof DataError || error instanceof ConfigError))
        throw new Error(`mutation ${i}: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`, {
          cause: error,
        });
      expect(error.message).toMatch(/expected .*, got /s);
      refused++;
    }
    longest = Math.max(longest, performance.now() - start);
  }
  // Both happen often, or the mutations are too weak or too strong to test anything.
  expect(accepted).toBeGreaterThan(count / 50);
  expect(refused).toBeGreaterThan(count / 50);
  expect(longest).toBeLessThan(5000);
}

describe('mutated files are read, or refused by a clear error', () => {
  test('Pascal VOC', async () => {
    const outcome = survive(VOC, 1, COUNT, (bytes) => readVocFile(bytes, 'a.xml'));
    await expect(outcome).resolves.toBeUndefined();
  });

  test('YOLO labels', async () => {
    const outcome = survive(YOLO, 2, COUNT, (bytes) => {
      const lines = readYoloLabels(decodeText(bytes, 'a.txt', 'a label file'));
      const bad = lines.find((line) => 'problem' in line);
      if (bad && 'problem' in bad) throw new DataError(bad.problem);
    });
    await expect(outcome).resolves.toBeUndefined();
  });

  test('YOLO data.yaml', async () => {
    const outcome = survive(YAML, 3, COUNT / 4, (bytes) => {
      const content = readYaml(folder.write('data.yaml', bytes));
      if (!isYoloYaml(content)) throw new DataError('expected YOLO, got another');
      return checkYoloYaml(content, 'data.yaml');
    });
    await expect(outcome).resolves.toBeUndefined();
  });

  const sources = {
    voc: [VOC, 'labels/a.xml'],
    yolo: [YOLO, 'labels/a.txt'],
    cvat: [CVAT, 'labels/a.xml'],
  } as const;
  test.each(Object.entries(sources))(
    '%s, up to the checked tables',
    async (format, [text, path]) => {
      folder.image('images/a.png');
      const annotations = folder.at(format === 'cvat' ? path : 'labels');
      const source = {
        format,
        annotations,
        images: folder.at('images'),
        names: format === 'yolo' ? ['cat', 'dog'] : undefined,
      } as AnnotationSource;
      const outcome = survive(text, 4, COUNT / 8, async (bytes) => {
        folder.write(path, bytes);
        const log = new ProblemLog();
        const tables = await readTables(source, ({ code, file, message }) => {
          expect(file).toContain(folder.root);
          if (code === 'schema')
            log.add({ code, severity: 'error', meaning: '' }, { file, message });
        });
        const indices = checkCocoTables(tables, new ProblemLog());
        if (tables.categories.length > 0) createCocoSet(tables, indices, source);
        if (tables.annotations.boxes.some(Number.isNaN)) throw new Error('a box that is no number');
        log.throwErrors();
      });
      await expect(outcome).resolves.toBeUndefined();
    },
  );
});
