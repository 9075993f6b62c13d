import { spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeLabelPng } from '../../io/png/write.js';
import { FIXTURES } from '../helpers/fixtures.js';
import { runInProcess } from '../helpers/in-process.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { TINY_SIZE, writeGray, writeTinyCoco } from '../helpers/tiny-coco.js';

/** A command of README.md and the section it is in. */
interface Printed {
  readonly section: string;
  readonly line: string;
}

/** All commands: the lines of blocks for the shell, and complete commands within the text. */
function commands(text: string): readonly Printed[] {
  return text.split(/^## /m).flatMap((part) => {
    const [section] = part.split('\n', 1);
    const blocks = [...part.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block]) =>
      block.trimEnd().split('\n'),
    );
    const prose = part.replaceAll(/^```.*?^```$/gms, '');
    const inline = [...prose.matchAll(/`((?:npx|npm) [^`]+)`/g)].map(([, command]) => command);
    return [...blocks, ...inline]
      .map((line) =>
        line
          .replace(/\s+#.*$/, '')
          .replaceAll('\n', ' ')
          .trim(),
      )
      .filter((line) => /^(npx|npm) \S/.test(line) && !/\b(VERB|NAME)\b|\|/.test(line))
      .map((line) => ({ section, line }));
  });
}

const README = readFileSync('README.md', 'utf8');
const CI = readFileSync('.ci/run', 'utf8').split('\n');
const PACK_CHECK = readFileSync('scripts/pack-check.mjs', 'utf8');
const COMMANDS = commands(README);

/** Commands that take minutes, which CI runs as they are printed: installing, the demo, the tests. */
const OF_CI = COMMANDS.filter(({ line }) => line.startsWith('npm '));
const HERE = COMMANDS.filter(({ line }) => line.startsWith('npx convnextv2 '));

test('every command is one of npm or of this package', () => {
  expect(COMMANDS.length).toBeGreaterThan(20);
  expect(COMMANDS).toHaveLength(OF_CI.length + HERE.length);
});

test.each(OF_CI.map(({ line }) => line))('CI runs %s', (line) => {
  // The package as a dependency is that of `npm pack`, which another script installs.
  // The demo with fewer passes.
  const isRun = CI.some((run) => run === line || run.startsWith(`${line} -- `));
  if (!line.startsWith('npm install')) return expect(isRun).toBe(true);
  expect(line).toContain('--ignore-scripts');
  expect(PACK_CHECK).toContain("['--ignore-scripts']");
});

let root: string;
let before: string;

/** Small data under the names of a section. */
const DATA: Readonly<Record<string, (at: (name: string) => string) => void>> = {
  detect: (at) => writeTinyCoco(at('DIR')),
  segment: (at) => {
    for (const part of ['training', 'validation'])
      for (const name of ['a', 'b', 'c', 'd']) {
        writeGray(at(`DIR/images/${part}/${name}.png`));
        const data = new Uint8Array(TINY_SIZE.width * TINY_SIZE.height).map((_, i) => 1 + (i % 2));
        mkdirSync(at(`DIR/annotations/${part}`), { recursive: true });
        const labels = encodeLabelPng({ ...TINY_SIZE, data });
        writeFileSync(at(`DIR/annotations/${part}/${name}.png`), labels);
      }
  },
  classify: (at) => {
    // The small weights have ten classes.
    for (const [name, classes] of [
      ['DIR', 3],
      ['imagenet', 10],
      ['photographs', 3],
    ] as const) {
      const made = writeTinyClasses({ classes, perClass: 4 });
      cpSync(made, at(name), { recursive: true });
      rmSync(made, { recursive: true });
    }
  },
};

/** Folder and data of each section; sections that use the run of another are in its folder. */
const PLACES: Readonly<Record<string, keyof typeof DATA>> = {
  Install: 'detect',
  'Find objects in a photo': 'detect',
  'Train on my pictures': 'detect',
  Segment: 'segment',
  'ImageNet numbers': 'classify',
  'In the browser, or as a service': 'detect',
  Weights: 'detect',
};

/** Settings that make a run end in seconds. */
const SMALL: Readonly<Record<string, readonly string[]>> = {
  detect: SMALL_RECIPES.detect.settings,
  'segment-finetune': SMALL_RECIPES.segment.settings,
  'classify-finetune': ['training.inputSize=32', 'evaluation.inputSize=32'],
  pretrain: [
    ...['depths=[1,1,1,1]', 'dims=[8,16,24,32]'].map((s) => `fcmae.backbone.${s}`),
    ...['training.inputSize=64', 'evaluation.inputSize=64'],
  ],
};

/**
 * Arguments of a printed command, with what cannot be here replaced: published weights, which are downloads, by small files
 * of the same form; half an hour by two steps of a small model, and what a resumed run has left by one; reports
 * are those of other tests.
 */
function argumentsOf(line: string): readonly string[] {
  const words = line
    .replace(/^npx convnextv2 /, '')
    .replace('cascade-mask-rcnn.convnext_tiny_coco', 'published')
    .replace('tiny.fcmae_ft_in1k', 'published.pth')
    .replace(/ --minutes \d+/, ' --steps 2')
    .replace(/ >> ~\S+$/, '') // not into the files of whoever runs the tests
    .split(/\s+/);
  const [verb, recipe] = words;
  if (verb !== 'train') return words;
  if (recipe === 'RUN') return [...words, '--steps', '3', '--no-report'];
  const steps = words.includes('--steps') ? [] : ['--steps', '2'];
  return [
    ...words,
    ...steps,
    '--no-report',
    ...(SMALL[recipe] ?? []).flatMap((setting) => ['--set', setting]),
  ];
}

beforeAll(async () => {
  before = process.cwd();
  root = mkdtempSync(join(tmpdir(), 'convnextv2-readme-'));
  const small = join(FIXTURES, 'small');
  for (const [place, write] of Object.entries(DATA)) {
    const at = (name: string): string => join(root, place, name);
    mkdirSync(join(root, place));
    write(at);
    copyFileSync(join(small, 'preprocess_q90_420.jpg'), at('photo.jpg'));
    copyFileSync(join(small, 'backbone_official.pth'), at('published.pth'));
  }
  process.chdir(join(root, 'detect'));
  const settings = SMALL.detect.flatMap((setting) => ['--set', setting]);
  const made = ['train', 'detect', '--data', 'DIR', '--out', 'published', '--steps', '1'];
  const { code, stderr } = await runInProcess([...made, ...settings, '--no-report']);
  expect(code, stderr).toBe(0);
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

/** Starts the server as printed but for the port, and asks it for its page. */
async function serves(words: readonly string[]): Promise<number> {
  const cli = join(before, 'dist/tools/cli.js');
  const child = spawn(process.execPath, [cli, ...words, '--port', '0']);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      const read = (part: Buffer): void => {
        text += part.toString();
        const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
        if (found) resolve(found);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.on('exit', () => reject(new Error(text)));
    });
    return (await fetch(url)).status;
  } finally {
    child.kill();
  }
}

describe('every command runs as printed', () => {
  test.each(HERE)('$section: $line', async ({ section, line }) => {
    process.chdir(join(root, PLACES[section]));
    const words = argumentsOf(line);
    if (words[0] === 'serve') return expect(await serves(words)).toBe(200);
    const { code, stderr, stdout } = await runInProcess(words);
    expect(code, `${words.join(' ')}\n${stderr}`).toBe(0);
    expect(stdout + stderr).not.toBe('');
    for (const output of line.matchAll(/--(?:out|web) (\S+)/g))
      expect(existsSync(output[1]), output[1]).toBe(true);
  });
});
