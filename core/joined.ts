type Numbers = Uint8Array | Float32Array | Float64Array;

/** Joins arrays of one type in order. @param Type of the new array */
export function joined<Values extends Numbers>(
  parts: readonly Values[],
  Type: new (length: number) => Values,
): Values {
  const all = new Type(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
