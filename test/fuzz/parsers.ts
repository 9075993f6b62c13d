import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { encodePartialResult } from '../../io/partial-result.js';
import { imagesOfJson } from '../../serve/json-images.js';
import { scoreImagenet } from '../../tools/score/imagenet.js';
import { partFile } from './frames.js';
import { readClassList } from '../../datasets/class-list.js';
import { writeReport } from '../../report/run-report.js';
import { resolveConfig } from '../../train/config/resolve.js';
import { readRunConfig } from '../../train/config/run-config.js';
import { TEXTS, runFiles } from './corpus.js';
import { formatParsers } from './format-parsers.js';
import { bytes, type Fuzzed } from './fuzzed.js';
import { pictureParsers } from './picture-parsers.js';
import { weightParsers } from './weight-parsers.js';

/** A part of an evaluation, and its header. */
const PART = encodePartialResult(new ClassificationEvaluator(2).toPartialResult());
const PART_START = 12 + new DataView(PART.buffer).getUint32(8, true);
const PART_HEADER: unknown = JSON.parse(Buffer.from(PART.subarray(12, PART_START)).toString());

/** Readers with files in a folder of their own. */
export async function parsers(root: string): Promise<readonly Fuzzed[]> {
  const run = join(root, 'run');
  mkdirSync(join(run, 'samples'), { recursive: true });
  for (const [name, content] of Object.entries(runFiles())) writeFileSync(join(run, name), content);
  const all: readonly Fuzzed[] = [
    ...formatParsers(root),
    ...(await pictureParsers(root)),
    ...(await weightParsers(root)),
    {
      name: 'configurations',
      corpus: bytes(...TEXTS.config),
      file: 'config.yaml',
      read: (file) => resolveConfig(file, { set: [] }),
    },
    {
      name: 'class lists',
      corpus: bytes('["a","b"]', '[{"index":0,"wnid":"n1","name":"x"}]', '{"0":["n1","x"]}'),
      file: 'classes.json',
      read: readClassList,
    },
    {
      name: 'part of an evaluation',
      corpus: [PART],
      file: 'a.part',
      documents: [PART_HEADER],
      framed: (text) => partFile(text, PART.length - PART_START),
      read: (file) => scoreImagenet({ dt: [], parts: [file] }),
    },
    {
      name: 'classification results',
      corpus: bytes(...TEXTS.predictions),
      file: 'predictions.jsonl',
      read: (file) => scoreImagenet({ dt: [file], parts: [], numClasses: 2 }),
    },
    {
      name: 'labels of classification results',
      corpus: bytes('{"a.jpg":0,"b.jpg":1}', '[{"file":"a.jpg","label":0}]', 'a.jpg 1\n'),
      file: 'truth.json',
      read: (file) => scoreImagenet({ dt: [], parts: [], gt: file, numClasses: 4 }),
    },
    {
      name: 'body of a request',
      corpus: bytes('{"image":"AAEC"}', '{"images":["AAEC",{"data":"AAEC","name":"x"}]}'),
      file: 'body.json',
      read: (_, input) => imagesOfJson(input, 16),
    },
    ...Object.keys(runFiles()).map((name) => ({
      name: `run folder, ${name}`,
      corpus: bytes(runFiles()[name]),
      file: join('run', name),
      read: () => {
        try {
          readRunConfig(run);
        } finally {
          writeReport(run);
        }
      },
    })),
  ];
  return all.map((fuzzed) => ({ ...fuzzed, file: join(root, fuzzed.file) }));
}
