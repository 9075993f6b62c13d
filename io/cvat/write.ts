import { roundPx, type AnnotatedImage, type AnnotatedObject } from '../../core/annotated-image.js';
import { cropRle } from '../../core/rle-crop.js';
import { decodeRle, rleBox, type Rle } from '../../core/rle.js';
import { xmlText } from '../xml/write.js';

/** Formats the beginning of a file of CVAT 1.1 for images, up to the images. @param labels names of the classes */
export function cvatHead(labels: readonly string[]): string {
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<annotations>',
    '  <version>1.1</version>',
    '  <meta>',
    '    <task>',
    '      <labels>',
    ...labels.map((name) => `        <label><name>${xmlText(name)}</name></label>`),
    '      </labels>',
    '    </task>',
    '  </meta>',
    '',
  ].join('\n');
}

/** Formats the element of an image. @param id number of the image @param subset its part of the set, if any */
export function cvatImage(image: AnnotatedImage, id: number, subset?: string): string {
  const { fileName, width, height, objects } = image;
  const part = subset === undefined ? '' : ` subset="${xmlText(subset)}"`;
  return [
    `  <image id="${id}" name="${xmlText(fileName)}"${part} width="${width}" height="${height}">`,
    ...objects.flatMap((object, i) => shapesOf(object, i + 1)).map((shape) => `    ${shape}`),
    '  </image>',
    '',
  ].join('\n');
}

/** End of a file. */
export const CVAT_END = '</annotations>\n';

/** @param group number of a group of parts */
function shapesOf(
  { name, box: [x, y, w, h], mask }: AnnotatedObject,
  group: number,
): readonly string[] {
  const label = `label="${xmlText(name)}" source="auto" occluded="0"`;
  switch (mask.kind) {
    case 'none': {
      const [x1, y1, x2, y2] = [x, y, x + w, y + h].map(roundPx);
      return [`<box ${label} xtl="${x1}" ytl="${y1}" xbr="${x2}" ybr="${y2}" z_order="0"></box>`];
    }
    case 'polygons': {
      // Polygons of a group are parts of one object.
      const grouped = mask.polygons.length > 1 ? ` group_id="${group}"` : '';
      return mask.polygons.map(
        (polygon) =>
          `<polygon ${label} points="${pointsOf(polygon)}" z_order="0"${grouped}></polygon>`,
      );
    }
    case 'rle':
      return [maskElement(label, mask)];
    default:
      return mask satisfies never;
  }
}

function pointsOf(polygon: Float64Array): string {
  const pairs = Array.from({ length: polygon.length / 2 }, (_, i) => [2 * i, 2 * i + 1]);
  return pairs.map((pair) => pair.map((at) => polygon[at]).join(',')).join(';');
}

/** Runs go row by row through the bounding box of the mask. */
function maskElement(label: string, mask: Rle): string {
  const [left, top, width, height] = rleBox(mask);
  const runs: number[] = [0];
  let value = 0;
  for (const pixel of decodeRle(cropRle(mask, { x: left, y: top, width, height }))) {
    if (pixel !== value) runs.push(0);
    value = pixel;
    runs[runs.length - 1]++;
  }
  return `<mask ${label} rle="${runs.join(', ')}" left="${left}" top="${top}" width="${width}" height="${height}" z_order="0"></mask>`;
}
