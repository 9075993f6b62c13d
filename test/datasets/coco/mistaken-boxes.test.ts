import { expect, test } from 'vitest';
import { dataFolder, tablesOf } from '../../helpers/data-folder.js';
import { runInProcess } from '../../helpers/in-process.js';

const folder = dataFolder();
const { at, image, write } = folder;
type Box = readonly [number, number, number, number];

/** Writes a set of two images with these boxes in each. */
function coco(boxes: readonly Box[], name = (i: number): string => `${i}.png`): string {
  const ids = [1, 2];
  ids.forEach((i) => image(`set/images/${i}.png`, 96, 72));
  write('set/all.json', {
    categories: [{ id: 1, name: 'bolt' }],
    images: ids.map((id) => ({ id, file_name: name(id), width: 96, height: 72 })),
    annotations: ids.flatMap((image_id) =>
      boxes.map((bbox, k) => ({
        id: 10 * image_id + k,
        image_id,
        category_id: 1,
        bbox,
        iscrowd: 0,
        area: bbox[2] * bbox[3],
      })),
    ),
  });
  return at('set');
}

async function check(
  path: string,
): Promise<{ readonly code: number | null; readonly text: string }> {
  const { code, stdout, stderr } = await runInProcess(['data', 'check', path]);
  return { code, text: stdout + stderr };
}

test('boxes in fractions of the image are refused, and said to be so', async () => {
  const found = await check(
    coco([
      [0.1, 0.2, 0.3, 0.4],
      [0, 0.5, 1, 0.5],
    ]),
  );
  expect(found.code).toBe(2);
  expect(found.text).toMatch(
    /box-relative.*fractions[^]*expected pixels, got \[0\.1, 0\.2, 0\.3, 0\.4\], and all of 4/,
  );
  const one = await check(
    coco([
      [0.1, 0.2, 0.3, 0.4],
      [0, 0.5, 20, 20],
    ]),
  );
  expect([one.code, one.text.includes('box-relative')]).toEqual([0, false]);
});

test('two corners instead of a corner and a size are a warning', async () => {
  const corners = await check(
    coco([
      [4, 8, 28, 32],
      [48, 8, 72, 60],
      [60, 30, 90, 70],
    ]),
  );
  expect(corners.text).toMatch(
    /warning +1 x box-corners[^]*4 of 6 boxes leave their image, and as \[x1, y1, x2, y2\] none does/,
  );
  // A few boxes that leave their image, and boxes that are no corners.
  for (const boxes of [
    [
      [4, 8, 28, 32],
      [10, 8, 20, 30],
      [10, 8, 20, 40],
      [80, 30, 90, 70],
    ],
    [
      [4, 8, 28, 32],
      [48, 8, 72, 60],
      [60, 30, 50, 70],
    ],
  ] as const)
    expect((await check(coco(boxes))).text).not.toContain('box-corners');
});

test('an object that is annotated twice is a warning that names both', async () => {
  const found = await check(
    coco([
      [4, 8, 28, 32],
      [40, 8, 20, 20],
      [4, 8, 28, 32],
    ]),
  );
  expect(found.code).toBe(0);
  expect(found.text).toMatch(
    /warning +2 x object-twice[^]*annotations\[2\] \(id 12\): expected an object of its own, got the box of annotations\[0\] \(id 10\) again/,
  );
  expect(
    (
      await check(
        coco([
          [4, 8, 28, 32],
          [4, 8, 28, 33],
        ]),
      )
    ).text,
  ).not.toContain('object-twice');
});

test.each(['/home/bob/1.png', 'C:\\Users\\bob\\1.png', 'https://example.org/1.png?v=2'])(
  'a path of another machine is refused with the name to write: %s',
  async (name) => {
    const { code, text } = await check(coco([[4, 8, 28, 32]], () => name));
    expect(code).toBe(2);
    expect(text).toContain('inside the image folder, such as "1.png", got');
  },
);

/** The first image of a set with a listed size, in formats whose files have both. */
const LISTED = {
  labelme: (w: number, h: number, [x1, y1, x2, y2]: Box) => {
    const points = [
      [x1, y1],
      [x2, y1],
      [x2, y2],
    ];
    write('labels/a.json', {
      imagePath: 'a.png',
      imageData: null,
      imageWidth: w,
      imageHeight: h,
      shapes: [{ label: 'bolt', points, shape_type: 'polygon', flags: {} }],
    });
    return { format: 'labelme', annotations: at('labels'), images: at('images') } as const;
  },
  csv: (w: number, h: number, box: Box) => {
    write(
      'all.csv',
      `filename,width,height,class,xmin,ymin,xmax,ymax\na.png,${w},${h},bolt,${box.join()}\n`,
    );
    return { format: 'csv', annotations: at('all.csv'), images: at('images') } as const;
  },
  voc: (w: number, h: number, [x1, y1, x2, y2]: Box) => {
    const corners = `<xmin>${x1}</xmin><ymin>${y1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax>`;
    write(
      'xml/a.xml',
      `<annotation><filename>a.png</filename><size><width>${w}</width><height>${h}</height></size><object><name>bolt</name><bndbox>${corners}</bndbox></object></annotation>`,
    );
    return { format: 'voc', annotations: at('xml'), images: at('images') } as const;
  },
};

test.each(Object.keys(LISTED) as (keyof typeof LISTED)[])(
  '%s: labels of an image of another size are refused, a wrong size alone is a warning',
  async (format) => {
    image('images/a.png', 96, 72);
    const codes = async (...args: Parameters<(typeof LISTED)['csv']>): Promise<string[]> => {
      const { issues } = await tablesOf(LISTED[format](...args));
      return issues.map(({ code }) => code).filter((code) => /size/i.test(code));
    };
    const small: Box = [5, 5, 40, 30];
    expect(await codes(96, 72, small)).toEqual([]);
    expect(await codes(0, 0, small)).toEqual([]);
    expect(await codes(960, 720, small)).toEqual(['imageSize']); // ten times as large
    expect(await codes(100, 80, small)).toEqual(['sizeListed']);
    expect(await codes(200, 80, [5, 5, 180, 30])).toEqual(['imageSize']); // fits only as listed
  },
);
