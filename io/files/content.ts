/** Beginnings of files that often stand where JSON is expected. */
const STARTS: readonly (readonly [start: readonly number[], description: string])[] = [
  [[0xff, 0xfe, 0, 0], 'UTF-32 text; save it as UTF-8'],
  [[0, 0, 0xfe, 0xff], 'UTF-32 text; save it as UTF-8'],
  [[0xff, 0xfe], 'UTF-16 text; save it as UTF-8'],
  [[0xfe, 0xff], 'UTF-16 text; save it as UTF-8'],
  [[0x1f, 0x8b], 'a gzip archive; unpack it first'],
  [[0x50, 0x4b, 3, 4], 'a zip archive; unpack it first'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a Zstandard archive; unpack it first'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'an xz archive; unpack it first'],
];

const TEXTS: readonly (readonly [start: RegExp, description: string])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer instead of the file; run git lfs pull'],
  [/^<(!doctype html|html|head|body)/i, 'an HTML page, probably of a failed download'],
  [/^<\?xml|^<annotation/, 'XML'],
  [/^[[{]\s*'/, 'a Python value printed as text; write it with json.dump'],
  [/^\{[^\n]*\}[ \t\r]*\n\s*\{/, 'JSON Lines, one record per line; write one JSON document'],
  [/^(\/\/|\/\*|#)/, 'a comment, which JSON does not have; delete it'],
];

/**
 * Recognizes by its beginning what a file is that was expected to be JSON.
 *
 * @returns a description with a remedy, or undefined if it may be JSON
 */
export function describeNonJson(bytes: Uint8Array): string | undefined {
  const start = STARTS.find(([known]) => known.every((byte, i) => bytes[i] === byte));
  if (start) return start[1];
  // UTF-16 without a byte order mark: every other byte of its first characters is zero.
  if (bytes.length >= 4 && (isEvery(bytes, 0) || isEvery(bytes, 1)))
    return 'UTF-16 text; save it as UTF-8';
  const head = Buffer.from(bytes.subarray(0, 4096)).toString('latin1').trimStart();
  const text = head.replace(/^\u00ef\u00bb\u00bf\s*/, '');
  return TEXTS.find(([known]) => known.test(text))?.[1];
}

function isEvery(bytes: Uint8Array, parity: 0 | 1): boolean {
  return bytes[parity] === 0 && bytes[parity + 2] === 0 && bytes[1 - parity] !== 0;
}
