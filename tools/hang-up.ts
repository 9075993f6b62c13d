import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Whether `nohup` started this process at a terminal, so that it is to go on when that is closed. Node resets the signals that
 * `nohup` ignores, but standard input shows it: `/dev/null`, open for writing only.
 */
export function isUnderNohup(): boolean {
  try {
    const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'latin1'))!;
    return Number.parseInt(flags, 8) % 4 === 1 && readlinkSync('/proc/self/fd/0') === '/dev/null';
  } catch {
    return false; // closed, or another system
  }
}

/** Makes this process go on under `nohup` when its terminal is closed. */
export function stayAfterHangUp(): void {
  if (isUnderNohup()) process.on('SIGHUP', () => undefined);
}
