import { join } from 'node:path';
import sharp from 'sharp';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { BlockCollapse } from '../../train/pretrain/collapse.js';
import { lineChart } from '../../report/svg-chart.js';
import { CHARTS } from './collapse-files.js';

/** Curves of one model. */
export interface ModelCollapse {
  readonly name: string;
  readonly images: number;
  /** Values in the order of the blocks. */
  readonly blocks: readonly BlockCollapse[];
}

/**
 * Draws the cosine distance over the relative position of the block, from 0 (first) to 1 (last), so that models of any
 * depth can be compared: the paper's figure 4. A model with GRN has two lines.
 *
 * @returns SVG
 */
export function collapseChart(models: readonly ModelCollapse[]): string {
  const series = models.flatMap(({ name, blocks }) =>
    (['expanded', 'normalized'] as const).flatMap((point) => {
      const own = blocks.filter((block) => block.point === point);
      if (own.length === 0) return [];
      const points = own.map(
        ({ distance }, i) => [own.length === 1 ? 0 : i / (own.length - 1), distance] as const,
      );
      return [{ name: point === 'expanded' ? name : `${name}, after response norm`, points }];
    }),
  );
  return lineChart(
    {
      title: 'Cosine distance between channels',
      xLabel: 'layer, from first to last',
      yLabel: 'mean distance; 0: channels are copies of each other',
      series,
      yRange: [0, 0.5],
      xRange: [0, 1],
    },
    { width: 720, height: 420 },
  );
}

/** Writes the {@link CHARTS} into a folder. */
export async function writeCollapseCharts(
  folder: string,
  models: readonly ModelCollapse[],
): Promise<void> {
  const svg = collapseChart(models);
  const [jsonFile, svgFile, pngFile] = CHARTS.map((name) => join(folder, name));
  await writeJsonAtomically(jsonFile, { models });
  await writeAtomically(svgFile, Buffer.from(svg));
  // A picture has no page whose colors it could take.
  const onWhite = svg.replace('fill="currentColor"', 'fill="#222" color="#222"');
  const png = await sharp(Buffer.from(onWhite), { density: 144 })
    .flatten({ background: '#fff' })
    .png()
    .toBuffer();
  await writeAtomically(pngFile, png);
}
