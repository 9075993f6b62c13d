import { readTables } from '../annotations/read.js';
import { labelOfName } from '../segmentation-source.js';
import type { DetectionData, SegmentationData } from './types.js';

/**
 * Reads a set of objects as one of labels: its polygons and masks are drawn, label 0 is the background.
 *
 * @throws DataError if annotations cannot be read
 */
export async function drawnLabels(data: DetectionData): Promise<SegmentationData> {
  const found = new Set<string>();
  for (const source of Object.values(data.splits)) {
    const own = source.classes ?? source.names ?? (await categoryNames(source));
    for (const name of own) if (labelOfName(name) === undefined) found.add(name);
  }
  const classes = ['background', ...found];
  const isOneClass = data.layout === 'masks' && found.size === 1;
  const hint = isOneClass ? '; if the values are classes, name them in classes.txt, from 0 on' : '';
  const splits = Object.fromEntries(
    Object.entries(data.splits).map(([split, regions]) => [split, { regions, classes }]),
  );
  return {
    ...data,
    kind: 'segmentation',
    splits,
    line: `${data.line}; drawn as labels on the background, ${classes.length} classes${hint}`,
  };
}

/** Names of the categories of a file by ascending id, as detectors number them. */
async function categoryNames(source: DetectionData['splits'][string]): Promise<readonly string[]> {
  const { categories } = await readTables(source, () => undefined, { masks: false });
  return [...categories].sort((a, b) => a.id - b.id).map(({ name }) => name);
}
