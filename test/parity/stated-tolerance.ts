/**
 * The number that a fixture's json states after `name`, as in `"soft 1e-5"`, or before it, as in `"1e-5 on IoU"`.
 *
 * @throws Error if the json says nothing of the kind
 */
export function statedTolerance(
  { tolerance }: { readonly tolerance: readonly string[] },
  name: string,
): number {
  const text = tolerance.join('; ');
  const number = '(\\d[\\d.]*(?:e-?\\d+)?)';
  const found =
    new RegExp(`${name}:? (?:abs |rel )?${number}`).exec(text) ??
    new RegExp(`${number} on (?:[\\w/]*/)?${name}`).exec(text);
  if (found === null)
    throw new Error(`statedTolerance: expected a tolerance for ${name}, got "${text}"`);
  return Number(found[1]);
}
