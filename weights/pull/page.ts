import { DownloadError } from '../../core/errors.js';

/** Media types that no weight file has. */
const TEXT_TYPE = /^\s*(text\/html|application\/(xhtml\+xml|json|xml))\b/i;

/**
 * Refuses text in place of a weight file: the page of a proxy or of a login, an error message, or the pointer of Git LFS.
 *
 * @param contentType header of the answer
 * @param head first bytes of the body
 * @throws WeightsError with the beginning of the text
 */
export function refusePage(url: string, contentType: string | null, head: Uint8Array): void {
  const start = new TextDecoder('latin1').decode(head.subarray(0, 200)).trimStart();
  const isPointer = start.startsWith('version https://git-lfs');
  if (!isPointer && !start.startsWith('<') && !TEXT_TYPE.test(contentType ?? '')) return;
  const got = isPointer ? 'a pointer of Git LFS' : `a page (${contentType ?? 'no type'})`;
  const text = start.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 60);
  throw new DownloadError(
    `pull: ${url}: expected a weight file, got ${got} that begins with "${text}"; ` +
      'a proxy or login may answer in place of the server: open the address in a browser',
  );
}
