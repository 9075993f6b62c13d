import { oneLine } from '../core/controls.js';
import { InputError } from '../core/errors.js';

/** Error codes of the server besides the names of the library's errors. */
export type HttpErrorCode =
  | 'BadRequest'
  | 'BodyTooLarge'
  | 'ImageTooLarge'
  | 'MethodNotAllowed'
  | 'ModelLoading'
  | 'ModelStopped'
  | 'NotFound'
  | 'QueueFull'
  | 'ShuttingDown'
  | 'Timeout'
  | 'Unauthorized';

/** An error with its status. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly code: HttpErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'HttpError';
  }
}

/** A 503 that says after how many seconds to try again. */
export const unavailable = (code: HttpErrorCode, message: string, retryAfterS = 1): HttpError =>
  new HttpError(503, code, message, { 'retry-after': String(Math.max(1, Math.ceil(retryAfterS))) });

/** Status, headers and JSON body of an error: `{"error": {code, message}}`, as the command line prints it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: { readonly code: string; readonly message: string } };
}

/** Messages of errors that the framework finds. */
const FRAMEWORK_MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'url: expected a path with valid escapes (%20), got others',
  FST_ERR_MAX_PARAM_LENGTH: 'url: expected the name of a model, got a longer text',
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    'content-type: expected a media type like image/jpeg, got another text',
};

/**
 * Converts an error to an answer: 400 for invalid input, the status of HTTP errors, otherwise 500 without details of the
 * program.
 */
export function errorAnswer(error: unknown): ErrorAnswer {
  const answer = (status: number, code: string, message: string, headers = {}): ErrorAnswer => ({
    // A part of the request in it may be meant for the terminal of who looks at the answer.
    status,
    headers,
    body: { error: { code, message: oneLine(message) } },
  });
  if (error instanceof HttpError)
    return answer(error.status, error.code, error.message, error.headers);
  const { name, message, statusCode, code } = error as Error & {
    readonly statusCode?: number;
    readonly code?: string;
  };
  if (error instanceof InputError) return answer(400, name, message);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE' || statusCode === 413)
    return answer(413, 'BodyTooLarge', `body: expected fewer bytes, got too many (${message})`);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return answer(statusCode, 'BadRequest', FRAMEWORK_MESSAGES[code ?? ''] ?? message);
  // `WorkError` tells what failed; other messages may contain paths of this machine.
  return answer(
    500,
    'WorkError',
    name === 'WorkError' ? message : 'serve: expected a result, got an internal error',
  );
}
