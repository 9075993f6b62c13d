import { findLauncher } from './distributed.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Looks of the clock; a much longer gap means that the process was stopped, and SIGCONT that it goes on. */
const TICK_MS = 200;
const STOPPED_MS = 1000;

/**
 * Calls `stop` at the first Ctrl-C or SIGTERM; alone, a second one ends the process at once. Under mpiexec a second one means
 * nothing, since one Ctrl-C arrives several times: from the terminal, mpiexec and the process between. There SIGCONT counts
 * too: Open MPI's mpiexec sends it first, and SIGTERM and SIGKILL a second or two later.
 *
 * @returns what ends the listening
 */
export function listenForStop(stop: () => void): () => void {
  const launcher = findLauncher(process.env);
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping && !launcher) process.exit(130);
    if (!isStopping) stop();
    isStopping = true;
  };
  let lastTickMs = performance.now();
  const onContinue = (): void => {
    if (performance.now() - lastTickMs < STOPPED_MS) onSignal();
  };
  SIGNALS.forEach((signal) => process.on(signal, onSignal));
  if (launcher?.kind !== 'Open MPI') return () => SIGNALS.forEach((s) => process.off(s, onSignal));
  const clock = setInterval(() => (lastTickMs = performance.now()), TICK_MS).unref();
  process.on('SIGCONT', onContinue);
  return () => {
    clearInterval(clock);
    process.off('SIGCONT', onContinue);
    SIGNALS.forEach((signal) => process.off(signal, onSignal));
  };
}
