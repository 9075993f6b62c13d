import * as t from '../core/schema.js';
import { compileSchema, formatProblems } from '../io/schema.js';
import { HttpError } from './http-error.js';

/** Options of a prediction in the URL. */
export const PredictQuery = t.record({
  score: t.optional(t.FRACTION),
  perClassNms: t.optional(t.FLAG),
  max: t.optional(t.whole(0)),
  top: t.optional(t.whole(1)),
  format: t.optional(t.oneOf('json', 'coco', 'png')),
});
export type PredictQuery = t.Infer<typeof PredictQuery>;

const NUMBERS = new Set(['score', 'max', 'top']);
const FLAGS = new Set(['perClassNms']);

/** Reads the options of a URL. @throws HttpError 400 for unknown or invalid ones */
export function readQuery(query: unknown): PredictQuery {
  const given = Object.entries(query as Record<string, unknown>);
  const values = given.map(([key, text]) => [key, valueOf(key, text)]);
  const options = Object.fromEntries(values) as PredictQuery;
  const problems = compileSchema(PredictQuery)(options);
  if (problems.length > 0)
    throw new HttpError(400, 'BadRequest', `query: ${formatProblems(problems)}`);
  return options;
}

/** Value of a text, or the text, which the schema then refuses. */
function valueOf(key: string, text: unknown): unknown {
  if (FLAGS.has(key) && (text === 'true' || text === 'false')) return text === 'true';
  if (!NUMBERS.has(key) || typeof text !== 'string' || text.trim() === '') return text;
  return Number.isNaN(Number(text)) ? text : Number(text);
}
