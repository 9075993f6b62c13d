import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open } from '../../inference/open.js';
import { leaveOutUnless } from '../helpers/leave-out.js';
import { CHROMIUM, NO_CHROMIUM, startChromium } from './browser.js';
import { noise } from './small-models.js';
import { smallServers } from './start.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TIMEOUT_MS = 120_000;
const servers = smallServers();
let browser: Browser;
let url: string;
let picture: { readonly name: string; readonly mimeType: string; readonly buffer: Buffer };

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Serious findings of axe-core about the page as it is. */
async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const violations = await page.evaluate(
    async () =>
      (await (window as unknown as { axe: { run(): Promise<unknown> } }).axe.run()) as {
        violations: Violation[];
      },
  );
  return violations.violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Opens the page and notes the requests and messages that it should not make. */
async function openPage(
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ readonly page: Page; readonly wrong: readonly string[] }> {
  const page = await browser.newPage(options);
  const wrong: string[] = [];
  page.on('request', (request) => {
    const target = request.url();
    if (!target.startsWith(`${url}/`) && !/^(blob|data):/.test(target)) wrong.push(target);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  await page.goto(url);
  await page.locator('#model option').first().waitFor({ state: 'attached' });
  return { page, wrong };
}

const rowTexts = (page: Page): Promise<string[]> => page.locator('#rows tr').allInnerTexts();

/** Average color of the picture on the page. */
const canvasColor = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const canvas = document.getElementById('canvas') as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let hash = 0;
    for (const value of data) hash = (hash * 31 + value) | 0;
    return `${canvas.width}x${canvas.height} ${hash}`;
  });

leaveOutUnless(CHROMIUM !== undefined, NO_CHROMIUM);

describe('the page in Chromium', () => {
  beforeAll(async () => {
    if (CHROMIUM === undefined) return;
    ({ url } = await servers.start(['detect', 'segment', 'classify']));
    browser = await startChromium();
    const buffer = await noise({ width: 96, height: 64 });
    picture = { name: 'noise.jpg', mimeType: 'image/jpeg', buffer };
  }, TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
  });

  test(
    'a chosen picture is shown with the objects that the library finds, by score and class',
    async () => {
      const { page, wrong } = await openPage();
      await page.setInputFiles('#files', picture);
      await page.locator('#rows button').first().waitFor();
      const model = await open<'detect'>(servers.paths().detect);
      const { objects } = await model.predict(picture.buffer);
      await model.release();
      const expected = (score: number, hidden?: string): string[] =>
        objects
          .filter((each) => each.score >= score && each.name !== hidden)
          .map((each) => `${each.name}\t${(100 * each.score).toFixed(1)} %`);
      const texts = async (): Promise<string[]> =>
        (await rowTexts(page)).map((text) => text.replace(/\s*\t\s*/, '\t').trim());
      expect(await texts()).toEqual(expected(0.3));
      expect(expected(0.3).length).toBeGreaterThan(3);
      const before = await canvasColor(page);
      expect(before).toMatch(/^672x448 /);

      const between = (objects[1].score + objects[2].score) / 2;
      await page.locator('#score').fill(between.toFixed(2));
      expect(await texts()).toEqual(expected(Number(between.toFixed(2))));
      expect(await canvasColor(page)).not.toBe(before);
      await page.locator('#score').fill('0.3');
      expect(await canvasColor(page)).toBe(before);

      const name = objects[0].name;
      await page.getByLabel(name, { exact: true }).uncheck();
      const left = expected(0.3, name);
      expect(await texts()).toEqual(left.length > 0 ? left : ['All results are hidden']);
      await page.getByLabel(name, { exact: true }).check();

      // A row marks its object on the picture, by pointer and by keyboard; the picture marks the row.
      await page.locator('#rows tr').first().hover();
      expect(await canvasColor(page)).not.toBe(before);
      expect(await page.locator('#rows tr').first().getAttribute('class')).toBe('marked');
      await page.locator('#rows button').nth(1).focus();
      expect(await page.locator('#rows tr').nth(1).getAttribute('class')).toBe('marked');
      const [x, y, width, height] = objects[0].box;
      const box = (await page.locator('#canvas').boundingBox())!;
      await page.mouse.move(
        box.x + ((x + width / 2) * box.width) / 96,
        box.y + ((y + height / 2) * box.height) / 64,
      );
      expect(await page.locator('#rows tr.marked').count()).toBe(1);
      expect(wrong).toEqual([]);
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'results are saved as a COCO document and as a picture',
    async () => {
      const { page } = await openPage();
      await page.setInputFiles('#files', [picture, { ...picture, name: 'again.jpg' }]);
      await page.locator('#rows button').first().waitFor();
      await page.locator('#pictures button').nth(1).click();
      await page.getByText('again.jpg, 96').waitFor();
      const [coco] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#save-coco').click(),
      ]);
      const saved = JSON.parse(readFileSync(await coco.path(), 'utf8')) as {
        images: { file_name: string }[];
        annotations: { image_id: number; score: number }[];
        categories: unknown[];
      };
      expect(saved.images.map(({ file_name }) => file_name)).toEqual(['noise.jpg', 'again.jpg']);
      expect(saved.categories).toHaveLength(3);
      const rows = await page.locator('#rows tr').count();
      expect(saved.annotations.filter(({ image_id }) => image_id === 2)).toHaveLength(rows);
      expect(saved.annotations.every(({ score }) => score >= 0.3)).toBe(true);
      const [png] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#save-png').click(),
      ]);
      expect(png.suggestedFilename()).toBe('again.png');
      expect(await sharp(await png.path()).metadata()).toMatchObject({ width: 672, height: 448 });
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'pictures are dropped and pasted; what is no picture says so beside the others',
    async () => {
      const { page } = await openPage();
      const give = (kind: 'drop' | 'paste', name: string, base64: string): Promise<void> =>
        page.evaluate(
          ({ kind: how, name: file, base64: text }) => {
            const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], file, { type: 'image/jpeg' }));
            document.dispatchEvent(
              how === 'drop'
                ? new DragEvent('drop', { dataTransfer: data, cancelable: true })
                : new ClipboardEvent('paste', { clipboardData: data }),
            );
          },
          { kind, name, base64 },
        );
      await give('drop', 'dropped.jpg', picture.buffer.toString('base64'));
      await page.getByText('dropped.jpg, 96').waitFor();
      await give('paste', 'pasted.jpg', picture.buffer.toString('base64'));
      await page.getByText('pasted.jpg, 96').waitFor();
      await give('drop', 'bad.jpg', Buffer.from('hello').toString('base64'));
      await page.getByText(/image: expected a JPEG/).waitFor();
      expect(await page.locator('#pictures button.failed').count()).toBe(1);
      await page.locator('#pictures button').first().click();
      await page.getByText('dropped.jpg, 96').waitFor();
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'another model predicts the pictures again: classes of pixels, and of the picture',
    async () => {
      const { page, wrong } = await openPage();
      await page.setInputFiles('#files', picture);
      await page.locator('#rows button').first().waitFor();
      await page.selectOption('#model', 'pixels');
      await page.getByText('Share of the picture').waitFor();
      expect(await page.locator('#threshold').isVisible()).toBe(false);
      const shares = (await rowTexts(page)).map((text) => Number(/([\d.]+) %/.exec(text)?.[1]));
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
      await page.selectOption('#model', 'ants');
      await page.getByText('Probability').waitFor();
      expect(await rowTexts(page)).toHaveLength(3);
      expect(wrong).toEqual([]);
      await page.close();
    },
    TIMEOUT_MS,
  );

  test.each(['light', 'dark'] as const)(
    'in %s colors the page has no serious finding of axe-core, also at 360 px',
    async (colorScheme) => {
      const { page } = await openPage({ colorScheme, bypassCSP: true });
      expect(await seriousFindings(page)).toEqual([]);
      await page.setInputFiles('#files', [picture, { ...picture, name: 'a-very-long-name.jpg' }]);
      await page.locator('#rows button').first().waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      const folder = process.env['CONVNEXTV2_SCREENSHOTS'];
      if (folder) await page.screenshot({ path: join(folder, `${colorScheme}.png`) });
      await page.setViewportSize({ width: 360, height: 740 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(360);
      expect(await seriousFindings(page)).toEqual([]);
      if (folder)
        await page.screenshot({ path: join(folder, `${colorScheme}-360.png`), fullPage: true });
      await page.goto(`${url}/docs`);
      expect(await seriousFindings(page)).toEqual([]);
      if (folder)
        await page.screenshot({ path: join(folder, `${colorScheme}-docs.png`), fullPage: true });
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'the keyboard alone chooses, marks and hides',
    async () => {
      const { page } = await openPage();
      await page.keyboard.press('Tab'); // API
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('files');
      await page.setInputFiles('#files', picture);
      await page.locator('#rows button').first().waitFor();
      const order: string[] = [];
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press('Tab');
        const found = await page.evaluate(() => {
          const { id, tagName, className } = document.activeElement!;
          return id || `${tagName} ${className}`.trim();
        });
        order.push(found);
      }
      expect(order.slice(0, 3)).toEqual(['model', 'BUTTON', 'score']);
      expect(order).toContain('INPUT');
      expect(order).toContain('BUTTON name');
      await page.close();
    },
    TIMEOUT_MS,
  );

  test(
    'a turned photo of a classifier is shown upright, and only the shown picture is in memory',
    async () => {
      const { page, wrong } = await openPage();
      await page.evaluate(() => {
        const made: ImageBitmap[] = [];
        const real = createImageBitmap;
        const counted = async (blob: Blob): Promise<ImageBitmap> => {
          const bitmap = await real(blob);
          made.push(bitmap);
          return bitmap;
        };
        // One that is closed has no width.
        Object.assign(window, {
          createImageBitmap: counted,
          numOpen: () => made.filter(({ width }) => width > 0).length,
        });
      });
      await page.locator('#model').selectOption('ants');
      const turned = await sharp(picture.buffer).withMetadata({ orientation: 6 }).toBuffer();
      await page.setInputFiles('#files', [
        { ...picture, name: 'turned.jpg', buffer: turned },
        { ...picture, name: 'a.jpg' },
        { ...picture, name: 'b.jpg' },
      ]);
      for (const [i, size] of ['448x672', '672x448', '672x448'].entries()) {
        await page.locator('#pictures button').nth(i).click();
        await page.locator('#rows button').first().waitFor();
        await expect.poll(() => canvasColor(page)).toContain(size);
      }
      const numOpen = (): Promise<number> =>
        page.evaluate(() => (window as unknown as { numOpen(): number }).numOpen());
      await expect.poll(numOpen).toBe(1);
      expect(wrong).toEqual([]);
      await page.close();
    },
    TIMEOUT_MS,
  );
});

test('a server with a token asks the page for it', async () => {
  const { url: closed } = await servers.start(['classify'], { token: 'abc' });
  const own = await startChromium();
  try {
    const page = await own.newPage();
    await page.goto(closed);
    await page.locator('#access').waitFor();
    await page.getByLabel('Token of this server').fill('abc');
    await page.keyboard.press('Enter');
    await page.locator('#model option').first().waitFor({ state: 'attached' });
    expect(await page.locator('#access').isVisible()).toBe(false);
    const buffer = await noise({ width: 96, height: 64 });
    await page.setInputFiles('#files', { name: 'a.jpg', mimeType: 'image/jpeg', buffer });
    await page.getByText('Probability').waitFor();
  } finally {
    await own.close();
  }
}, 120_000);
