import { expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { readXml } from '../../../io/xml/reader.js';

function elements(text: string | Uint8Array): string[] {
  const found: string[] = [];
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  readXml(bytes, 'a', 'x.xml', {
    open: (path, attributes) => found.push(`<${path} ${JSON.stringify(attributes)}`),
    close: (path, content) => found.push(`${path}=${content}`),
  });
  return found;
}

test('elements are told by path, with attributes and their own text', () => {
  expect(
    elements('<?xml version="1.0"?><a x="1"> t <b>u<![CDATA[<v>]]></b> &lt;&#65;\n</a>'),
  ).toEqual(['<a {"x":"1"}', '<a/b {}', 'a/b=u<v>', 'a=t  <A']);
});

test.each([
  ['UTF-16LE with a mark', Buffer.from('\ufeff<a>é</a>', 'utf16le')],
  ['UTF-16LE without one', Buffer.from('<a>é</a>', 'utf16le')],
  ['UTF-16BE', Buffer.from('\ufeff<a>é</a>', 'utf16le').swap16()],
  ['UTF-8 with a mark', Buffer.from('\ufeff<a>é</a>')],
  [
    'a declared encoding',
    Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', 'latin1'),
  ],
])('%s is decoded', (_, bytes) => {
  expect(elements(bytes)).toEqual(['<a {}', 'a=é']);
});

const bomb = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>';
test.each([
  ['', 'x.xml: line 1: expected XML, got document must contain a root element'],
  ['<b/>', 'line 1: expected the element <a>, got <b>'],
  ['<a>\n<b></a>', 'line 2: expected XML, got unexpected close tag'],
  ['<a>', 'unclosed tag: a'],
  ['<a>\0</a>', 'disallowed character'],
  [bomb, 'undefined entity'],
  ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a>&passwd;</a>', 'undefined entity'],
  ['<a>'.repeat(1e5), 'expected elements nested at most 64 deep'],
  ['version https://git-lfs.github.com/spec/v1\noid sha256:1', 'got a Git LFS pointer'],
  ['<?xml version="1.0" encoding="x-none"?><a/>', 'expected XML in a known encoding, got x-none'],
  [Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xff]), 'expected text in utf-8, got other bytes'],
])('%j is refused', (text, message) => {
  expect(() => elements(text)).toThrow(DataError);
  expect(() => elements(text)).toThrow(message);
});
