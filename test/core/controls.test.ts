import { expect, test } from 'vitest';
import { oneLine, withoutControls } from '../../core/controls.js';
import { DataError } from '../../core/errors.js';

test('what data holds cannot reach a terminal as a command, also by a message', () => {
  const evil = 'a\u001b[2J\u009b1m\r\u202eb\u2066\u0007\n\tc';
  expect(withoutControls(evil)).toBe('a\\u001b[2J\\u009b1m\\u000d\\u202eb\\u2066\\u0007\n\tc');
  expect(oneLine(evil)).toBe('a\\u001b[2J\\u009b1m\\u000d\\u202eb\\u2066\\u0007\\u000a\\u0009c');
  expect(new DataError(`file ${evil}`).message).toBe(`file ${oneLine(evil)}`);
  expect(JSON.parse(withoutControls(JSON.stringify(evil)))).toBe(evil);
  expect(oneLine('1\u200f2\u200e3\u061c4')).toBe('1\\u200f2\\u200e3\\u061c4');
  expect(withoutControls('größe 漢字 🐈 עברית')).toBe('größe 漢字 🐈 עברית');
});
