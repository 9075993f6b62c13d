import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compareByBootstrap, type ResampledMetrics } from '../../evaluation/bootstrap.js';
import {
  comparedTables,
  comparedVerdict,
  differencePlot,
  metricName,
  type RunScores,
} from '../../report/compared-scores.js';
import { compareRuns, writeComparison } from '../../report/compare-runs.js';
import { pictureRow } from '../../report/page/blocks.js';
import { pagePolicy, renderPage } from '../../report/page/html.js';
import { savePicture } from '../../report/save-picture.js';
import { CHROMIUM, NO_CHROMIUM, startChromium } from '../serve/browser.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { leaveOutUnless } from '../helpers/leave-out.js';

const { folder, path } = temporaryFolder();

/** Scores of models that are right on the first so many of 200 images. */
function scoresOf(...right: readonly number[]): RunScores {
  const metricsOf =
    (count: number): ResampledMetrics =>
    (draws) => ({ top1: draws.subarray(0, count).reduce((sum, n) => sum + n, 0) / 200 });
  const models = compareByBootstrap(200, right.map(metricsOf), { samples: 400, seed: 3 });
  return { numImages: 200, main: 'top1', samples: 400, seed: 3, models };
}

describe('verdict', () => {
  test('a difference that is more than chance', () => {
    const verdict = comparedVerdict(scoresOf(100, 160), ['a', 'b']);
    expect(verdict).toMatch(
      /^b has a higher top-1 accuracy than a: 80\.0 % against 50\.0 % on 200 images; the 30\.0 points are more than chance \(95 % interval \+2\d\.\d to \+3\d\.\d\)\.$/,
    );
  });

  test('of the first one, too', () => {
    expect(comparedVerdict(scoresOf(160, 100, 120), ['a', 'b', 'c'])).toMatch(
      /^a has a higher top-1 accuracy than c: 80\.0 % against 60\.0 %.*the 20\.0 points are more than chance \(95 % interval \+1\d\.\d to \+2\d\.\d\)/,
    );
  });

  test('one that may be chance, and none', () => {
    const chance = comparedVerdict(scoresOf(100, 101), ['a', 'b']);
    expect(chance).toContain('the 0.5 points may be chance');
    expect(chance).toContain('score more images before choosing');
    expect(comparedVerdict(scoresOf(100, 100), ['a', 'b'])).toBe(
      'b and a have the same top-1 accuracy: 50.0 % against 50.0 % on 200 images.'.replace(
        'b and a',
        'a and b',
      ),
    );
  });
});

test('metrics have names for people', () => {
  const names = ['bbox_AP', 'segm_APs', 'mIoU', 'loss'].map(metricName);
  expect(names).toEqual(['AP of boxes', 'APs of masks', 'mean IoU', 'loss']);
  // Of a foreign run folder.
  expect(['constructor', '__proto__', 'toString'].map(metricName)).toEqual([
    'constructor',
    '__proto__',
    'toString',
  ]);
});

test('tables have intervals, and the plot a line for every other run', () => {
  const scores = scoresOf(100, 160, 101);
  const [{ title, columns, rows }] = comparedTables(scores, ['a', 'b', 'c']);
  expect([title, columns[0], rows.length]).toEqual(['top-1 accuracy', 'run', 3]);
  expect(rows[0]).toEqual([
    'a',
    50,
    expect.stringMatching(/^4\d\.\d … 5\d\.\d$/),
    null,
    null,
    null,
    null,
  ]);
  expect(rows[1].slice(3)).toEqual(['+30.0', expect.stringContaining('…'), 100, 'yes']);
  expect(rows[2].at(-1)).toBe('no');
  const plot = differencePlot(scores, ['a', '<b>', 'c']);
  expect(plot).toContain('&lt;b&gt;: +30.0');
  expect(plot.match(/<circle/g)).toHaveLength(2);
  expect(plot).not.toContain('style=');
  expect(differencePlot(scoresOf(3), ['a'])).toBe('');
});

test('the page has the verdict first and keeps its policy', () => {
  const file = path('compare.html');
  writeComparison(file, compareRuns([]), { ...scoresOf(100, 160), names: ['runs/a', 'b.pth'] });
  const html = readFileSync(file, 'utf8');
  expect(html.indexOf('b.pth has a higher')).toBeLessThan(html.indexOf('<h2>Scores'));
  expect(html).toContain("script-src 'none'");
  expect(html).not.toMatch(/style="|<script|<h2>(Runs|Curves|Settings)/);
});

describe('in Chromium', () => {
  leaveOutUnless(CHROMIUM !== undefined, NO_CHROMIUM);
  test.each(['light', 'dark'] as const)(
    'pictures fill the window on click: %s',
    async (colorScheme) => {
      mkdirSync(path('pictures'), { recursive: true });
      const data = new Uint8Array(3 * 320 * 240).fill(90);
      const picture = await savePicture(folder, 'pictures/a.jpg', {
        width: 320,
        height: 240,
        data,
      });
      const row = {
        title: 'Best',
        size: 'small',
        items: [{ file: picture, caption: 'a & b' }],
      } as const;
      const body = `${pictureRow(row, folder)}<p>${'text '.repeat(2000)}</p>`;
      const html = renderPage({ title: 'T', lead: '', sections: [{ id: 's', title: 'S', body }] });
      expect(pagePolicy([''])).toContain("script-src 'none'");
      const browser = await startChromium();
      try {
        const page = await browser.newPage({ colorScheme, viewport: { width: 900, height: 700 } });
        const refused: string[] = [];
        page.on('console', (message) => refused.push(message.text()));
        await page.setContent(html);
        const image = page.locator('figure img');
        const before = await image.boundingBox();
        await image.click();
        expect(await image.boundingBox()).toEqual({ x: 0, y: 0, width: 900, height: 700 });
        await image.click();
        expect(await image.boundingBox()).toEqual(before);
        await page.locator('figure input').focus();
        await page.keyboard.press('Space');
        expect((await image.boundingBox())?.width).toBe(900);
        expect(refused).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
});
