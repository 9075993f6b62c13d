import { ConfigError } from '../../core/errors.js';

const YES = ['1', 'true', 'yes', 'on'];
const NO = ['', '0', 'false', 'no', 'off'];

/**
 * Whether the environment (`CONVNEXTV2_OFFLINE`) forbids to pull files.
 *
 * @throws ConfigError for a value that is neither yes nor no
 */
export function isOffline(): boolean {
  const value = process.env['CONVNEXTV2_OFFLINE'] ?? '';
  const word = value.trim().toLowerCase();
  if (YES.includes(word)) return true;
  if (NO.includes(word)) return false;
  throw new ConfigError(`CONVNEXTV2_OFFLINE: expected 1 or 0, got ${value}`);
}
