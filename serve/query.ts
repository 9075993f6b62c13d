import { FRACTION, oneOf, optional, record, whole, type Infer } from '../core/schema.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import { HttpError } from './http-error.js';

/** Options of a prediction in the URL. */
export const PredictQuery = record({
  score: optional(FRACTION),
  max: optional(whole(0)),
  top: optional(whole(1)),
  format: optional(oneOf('json', 'coco', 'png')),
});
export type PredictQuery = Infer<typeof PredictQuery>;

const NUMBERS = new Set(['score', 'max', 'top']);

/** Reads the options of a URL. @throws HttpError 400 for unknown or invalid ones */
export function readQuery(query: unknown): PredictQuery {
  const values = Object.entries(query as Record<string, unknown>).map(([key, text]) => [
    key,
    NUMBERS.has(key) &&
    typeof text === 'string' &&
    text.trim() !== '' &&
    !Number.isNaN(Number(text))
      ? Number(text)
      : text,
  ]);
  const options = Object.fromEntries(values) as PredictQuery;
  const problems = compileSchema(PredictQuery)(options);
  if (problems.length > 0)
    throw new HttpError(400, 'BadRequest', `query: ${formatProblems(problems)}`);
  return options;
}
