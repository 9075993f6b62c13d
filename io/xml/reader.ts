import { SaxesParser } from 'saxes';
import { FileError, quote } from '../../core/errors.js';
import { fill, openFile, readable } from '../files/read.js';
import { decodeChunk, decodeText, decoderOf } from '../files/text.js';

/** Deepest nesting of elements; annotation formats have at most six levels. */
const MAX_DEPTH = 64;

/** Longest name of an element: those of the open ones are part of the path of every element in them. */
const MAX_NAME = 200;

/** Callbacks for the elements of a document. */
export interface XmlHandler {
  /** @param path names of the open elements joined by `/`, with that of this one */
  readonly open?: (path: string, attributes: Readonly<Record<string, string>>) => void;
  /** @param text of the element without that of the elements in it, trimmed */
  readonly close: (path: string, text: string) => void;
}

/**
 * Streaming XML reader. Only the five predefined entities and character references are known: document types are
 * skipped, so no entity is expanded and nothing is loaded.
 */
export class XmlReader {
  private readonly parser = new SaxesParser();
  private readonly texts: string[] = [];
  private readonly paths: string[] = [];

  /** @param root name of the outermost element @param file for messages */
  constructor(root: string, file: string, { open, close }: XmlHandler) {
    const { parser, texts, paths } = this;
    const fail = (message: string): never => {
      throw FileError.in(file, `line ${parser.line}: ${message}`);
    };
    parser.on('error', ({ message }) =>
      fail(`expected XML, got ${message.replace(/^\d+:\d+: /, '')}`),
    );
    parser.on('opentag', ({ name, attributes }) => {
      if (name.length > MAX_NAME)
        fail(`expected names of elements of at most ${MAX_NAME} characters, got ${name.length}`);
      if (paths.length === 0 && name !== root)
        fail(`expected the element <${root}>, got <${quote(name).slice(1, -1)}>`);
      if (paths.length === MAX_DEPTH)
        fail(`expected elements nested at most ${MAX_DEPTH} deep, got more`);
      const path = paths.length === 0 ? name : `${paths[paths.length - 1]}/${name}`;
      paths.push(path);
      texts.push('');
      open?.(path, attributes as Readonly<Record<string, string>>);
    });
    const addText = (text: string): void => {
      if (texts.length > 0) texts[texts.length - 1] += text;
    };
    parser.on('text', addText);
    parser.on('cdata', addText);
    parser.on('closetag', () => close(paths.pop() as string, (texts.pop() as string).trim()));
  }

  push(text: string): void {
    this.parser.write(text);
  }

  /** @throws DataError if the document is not complete */
  finish(): void {
    this.parser.close();
  }
}

/** Reads a whole document in memory. @throws DataError if it is no XML with that root */
export function readXml(bytes: Uint8Array, root: string, file: string, handler: XmlHandler): void {
  const reader = new XmlReader(root, file, handler);
  reader.push(decodeText(bytes, file, 'XML', declaredEncoding(bytes)));
  reader.finish();
}

/** Number of bytes read at a time. */
const CHUNK_BYTES = 1 << 20;

/** Reads a file of any size, a piece at a time. @throws DataError if it cannot be read or is no XML with that root */
export async function readXmlFile(file: string, root: string, handler: XmlHandler): Promise<void> {
  const reader = new XmlReader(root, file, handler);
  const handle = await readable(file, openFile(file));
  try {
    const bytes = new Uint8Array(CHUNK_BYTES);
    let decoder: TextDecoder | undefined;
    for (;;) {
      const length = await fill(handle, bytes, null);
      const chunk = bytes.subarray(0, length);
      decoder ??= decoderOf(chunk, file, 'XML', declaredEncoding(chunk));
      const isLast = length < bytes.length;
      reader.push(decodeChunk(decoder, chunk, file, isLast));
      if (isLast) break;
    }
  } finally {
    await handle.close();
  }
  reader.finish();
}

/** The encoding of the XML declaration, which has only ASCII characters. */
function declaredEncoding(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, 200)).toString('latin1');
  return /^(?:\u00EF\u00BB\u00BF)?<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(start)?.[1];
}
