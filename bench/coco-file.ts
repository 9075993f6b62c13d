import { closeSync, openSync, writeSync } from 'node:fs';

/** A list of records in a file: its name, their number, and the record of an index. */
type RecordList = readonly [name: string, count: number, record: (index: number) => object];

/** Writes a COCO file of any length, some megabytes at a time. */
export function writeCocoFile(file: string, lists: readonly RecordList[]): void {
  const out = openSync(file, 'w');
  let text = '{"info":{"description":"generated"}';
  for (const [name, count, record] of lists) {
    text += `,"${name}":[`;
    for (let i = 0; i < count; i++) {
      text += (i > 0 ? ',' : '') + JSON.stringify(record(i));
      if (text.length < 1 << 22) continue;
      writeSync(out, text);
      text = '';
    }
    text += ']';
  }
  writeSync(out, `${text}}`);
  closeSync(out);
}
