import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const USAGE = `npm run test:fuzz -- [options]
  --minutes N   time for all readers together (10), the cheapest first; what one leaves is for the others
  --count N     most inputs for each reader (50000)
  --seed N      of the inputs (today's date, printed with every result)
  --only NAMES  these readers, e.g. "torch, zip; VIA"
  --from N      number of the first input: with --seed, --only and --count 1 it repeats a failure`;

const OPTIONS = ['minutes', 'count', 'seed', 'only', 'from'];
const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    ...Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' }])),
  },
});
if (values.help) console.log(USAGE);
else {
  // Another day other inputs; a failure names its seed.
  const seed = values.seed ?? new Date().toISOString().slice(0, 10).replaceAll('-', '');
  const given = OPTIONS.filter((name) => values[name] !== undefined);
  const env = Object.fromEntries(given.map((name) => [`FUZZ_${name.toUpperCase()}`, values[name]]));
  const { status, signal } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.fuzz.config.ts'],
    { stdio: 'inherit', env: { ...process.env, FUZZ_SEED: seed, ...env } },
  );
  if (signal)
    console.error(`fuzz: ended by ${signal}; the last line of a reader says at which input`);
  process.exitCode = status ?? 1;
}
