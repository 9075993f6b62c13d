import { isUnderNohup } from './hang-up.js';
import { findLauncher } from './launcher.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Interval of a timer; a much longer gap means that the process was stopped and SIGCONT only resumed it. */
const TICK_MS = 200;
const STOPPED_MS = 1000;
/** Signals within so short a time are one: a supervisor and the process in between both pass it on. */
const SAME_MS = 250;

/**
 * Calls `stop` at the first Ctrl-C or SIGTERM, or when the terminal is closed, unless `nohup` is to outlast that; in a single
 * process, a second Ctrl-C or SIGTERM, a moment later, ends it immediately.
 * Under mpiexec a second one is ignored, because one Ctrl-C arrives several times: from the terminal, from mpiexec and
 * from the process in between. There SIGCONT also counts: Open MPI's mpiexec sends it first, and SIGTERM and SIGKILL a
 * second or two later.
 *
 * @returns function that removes the handlers
 */
export function listenForStop(stop: () => void): () => void {
  const launcher = findLauncher(process.env);
  let stoppedMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = performance.now();
    if (stoppedMs === undefined) {
      stoppedMs = nowMs;
      stop();
    } else if (!launcher && nowMs - stoppedMs > SAME_MS) process.exit(130);
  };
  // The shell and the system both tell of the end of a terminal, at any distance.
  const onHangUp = (): void => {
    if (stoppedMs === undefined) onSignal();
  };
  let lastTickMs = performance.now();
  const onContinue = (): void => {
    if (performance.now() - lastTickMs < STOPPED_MS) onSignal();
  };
  SIGNALS.forEach((signal) => process.on(signal, onSignal));
  if (!isUnderNohup()) process.on('SIGHUP', onHangUp);
  const end = (): void => {
    SIGNALS.forEach((signal) => process.off(signal, onSignal));
    process.off('SIGHUP', onHangUp);
  };
  if (launcher?.kind !== 'Open MPI') return end;
  const clock = setInterval(() => (lastTickMs = performance.now()), TICK_MS).unref();
  process.on('SIGCONT', onContinue);
  return () => {
    clearInterval(clock);
    process.off('SIGCONT', onContinue);
    end();
  };
}
