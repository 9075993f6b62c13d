/** Creates a timer that returns the milliseconds since its last call. */
export function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const elapsedMs = now - last;
    last = now;
    return elapsedMs;
  };
}

/** Formats a duration, within 6 %: `45 s`, `2 min 40 s`, `12 min`, `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const tens = Math.round(seconds / 10);
  if (tens < 60 && tens % 6 !== 0) return `${Math.floor(tens / 6)} min ${10 * (tens % 6)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
