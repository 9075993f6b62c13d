import { roundPx, type AnnotatedImage } from '../../core/annotated-image.js';
import { xmlText } from '../xml/write.js';

/**
 * Formats a Pascal VOC annotation file. Corners are counted from 1; they have decimals only where the box has. Masks are
 * left out, and regions to be ignored are marked difficult.
 */
export function vocXml({ fileName, width, height, objects }: AnnotatedImage): string {
  const slash = fileName.lastIndexOf('/');
  const folder = slash < 0 ? '' : fileName.slice(0, slash);
  const lines = objects.flatMap(({ name, box: [x, y, w, h], isCrowd }) => [
    '  <object>',
    `    <name>${xmlText(name)}</name>`,
    '    <pose>Unspecified</pose>',
    '    <truncated>0</truncated>',
    `    <difficult>${isCrowd ? 1 : 0}</difficult>`,
    '    <bndbox>',
    `      <xmin>${roundPx(x + 1)}</xmin>`,
    `      <ymin>${roundPx(y + 1)}</ymin>`,
    `      <xmax>${roundPx(x + w)}</xmax>`,
    `      <ymax>${roundPx(y + h)}</ymax>`,
    '    </bndbox>',
    '  </object>',
  ]);
  return [
    '<annotation>',
    `  <folder>${xmlText(folder)}</folder>`,
    `  <filename>${xmlText(fileName.slice(slash + 1))}</filename>`,
    '  <size>',
    `    <width>${width}</width>`,
    `    <height>${height}</height>`,
    '    <depth>3</depth>',
    '  </size>',
    '  <segmented>0</segmented>',
    ...lines,
    '</annotation>',
    '',
  ].join('\n');
}
