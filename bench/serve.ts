import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../tools/output.js';
import { inFolder } from './child.js';
import { casesOf } from './serve-cases.js';
import { healthUnderPhotos, load, type HealthReport, type LoadReport } from './serve-load.js';
import { randomClassifier, writeForPeers } from './serve-models.js';
import { startOurs, startPeer, type Started } from './serve-servers.js';

/**
 * Loads a server with many clients and compares each answer with the library's, then, with `--python`, the same
 * classifier behind FastAPI through PyTorch and through onnxruntime:
 *
 *     npm run bench:serve -- [--model RUN | --size atto] [--photos DIR] [--minutes 10 | --seconds 30] [--connections 64]
 *       [--python PYTHON --peer-seconds 60] [--json] [-- OPTIONS OF serve]
 *
 * One request in 20 has a broken body and one in 20 hangs or leaves in its middle. Without `--model`, a classifier with
 * random weights; without `--photos`, pictures from 64x64 to 2000x1500. Also prints the slowest answer of `/healthz`
 * while eight photos of 12 megapixels wait. Fails for a wrong answer, for a status of 5xx other than 503, and if memory
 * still grows at the end of a run of minutes. `bench/serve_peers.py` names what Python needs.
 */

/** Answers of the peers may differ from ours by so much: another order of sums. */
const PEER_TOLERANCE = 1e-3;
/** Shorter runs say nothing about memory. */
const STEADY_S = 120;

interface ServerReport extends LoadReport {
  readonly server: string;
  readonly exitCode: number | null;
}

/** Rows of the summary for people. */
function table(reports: readonly ServerReport[]): string {
  const head = [
    'server',
    'images/s',
    'CPU ms per image',
    'p50 ms',
    'p99 ms',
    'memory MB',
    'growth',
  ];
  return formatTable([
    [...head, 'difference', 'problems'],
    ...reports.map(({ server, latencyMs, memory, problems, ...report }) => [
      server,
      report.imagesPerSecond.toFixed(1),
      report.cpuMsPerImage.toFixed(1),
      latencyMs.p50,
      latencyMs.p99,
      memory.maxMb,
      `${(100 * memory.growth).toFixed(1)} %`,
      report.largestDifference.toExponential(1),
      problems.length,
    ]),
  ]);
}

async function main(): Promise<void> {
  const { values, positionals: flags } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: 'string' },
      size: { type: 'string', default: 'atto' },
      photos: { type: 'string' },
      minutes: { type: 'string' },
      seconds: { type: 'string', default: '30' },
      connections: { type: 'string', default: '64' },
      python: { type: 'string' },
      'peer-seconds': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const seconds =
    values.minutes === undefined ? Number(values.seconds) : 60 * Number(values.minutes);
  const connections = Number(values.connections);
  await inFolder(async (folder) => {
    const model = values.model ?? (await randomClassifier(folder, values.size));
    const cases = await casesOf(model, values.photos);
    const peers = join(folder, 'peers');
    if (values.python !== undefined) await writeForPeers(model, peers);
    const run = async (
      server: string,
      target: Started,
      { tolerance, runSeconds }: { readonly tolerance: number; readonly runSeconds: number },
    ): Promise<ServerReport> => {
      const report = await load(target, cases, { connections, tolerance, seconds: runSeconds });
      return { server, ...report, exitCode: await target.stop() };
    };
    const ours = await startOurs(model, flags);
    const health = await healthUnderPhotos(ours);
    const reports = [await run('convnextv2 serve', ours, { ...cases, runSeconds: seconds })];
    if (values.python !== undefined)
      for (const kind of ['torch', 'onnxruntime'] as const) {
        const target = await startPeer(values.python, kind, peers);
        const runSeconds = Number(values['peer-seconds'] ?? Math.min(seconds, 60));
        reports.push(
          await run(`FastAPI + ${kind}`, target, { tolerance: PEER_TOLERANCE, runSeconds }),
        );
      }
    print(
      { model: values.model ?? values.size, seconds, connections, health, reports },
      values.json,
    );
    judge(reports, seconds);
  });
}

interface Document {
  readonly model: string;
  readonly seconds: number;
  readonly connections: number;
  readonly health: HealthReport;
  readonly reports: readonly ServerReport[];
}

function print({ reports, health, ...document }: Document, asJson: boolean): void {
  const machine = { cores: cpus().length, load: loadavg()[0] };
  if (asJson) {
    console.log(JSON.stringify({ ...document, machine, health, reports }));
    return;
  }
  const [ours, ...peers] = reports;
  console.log(
    `${document.model}, ${document.connections} connections, ${document.seconds} s; ${machine.cores} cores, load ${machine.load.toFixed(1)}`,
  );
  console.log(table(reports));
  for (const peer of peers)
    console.log(
      `${ours.server} / ${peer.server}: ${(ours.imagesPerSecond / peer.imagesPerSecond).toFixed(2)} times the images/s, ${(ours.cpuMsPerImage / peer.cpuMsPerImage).toFixed(2)} times the CPU time`,
    );
  console.log(
    `/healthz while eight photos of 4000x3000 wait: ${health.count} answers, median ${health.p50.toFixed(1)} ms, p99 ${health.p99.toFixed(1)} ms, slowest ${health.max.toFixed(1)} ms; under load p99 ${ours.healthMs.p99} ms`,
  );
  for (const { server, memory, statuses } of reports) {
    console.log(`${server}, answers: ${JSON.stringify(statuses)}`);
    console.log(`${server}, memory in MB: ${memory.seriesMb.join(' ')}`);
  }
}

/** Names what is wrong, and ends with exit code 1 then. */
function judge([ours, ...peers]: readonly ServerReport[], seconds: number): void {
  const wrong = [...ours.problems.slice(0, 10)];
  if (ours.exitCode !== 0) wrong.push(`expected exit code 0 after SIGTERM, got ${ours.exitCode}`);
  const { growth, isFlat } = ours.memory;
  if (seconds >= STEADY_S && !isFlat)
    wrong.push(`memory grew by ${(100 * growth).toFixed(1)} % at the end`);
  for (const { server, problems } of peers)
    for (const problem of problems.slice(0, 3)) wrong.push(`${server}: ${problem}`);
  wrong.forEach((line) => console.error(line));
  if (wrong.length > 0) process.exitCode = 1;
}

await main();
