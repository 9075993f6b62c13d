import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { addVerbs } from '../../tools/verbs.js';

const text = readFileSync(resolve(import.meta.dirname, '../../docs/distributed.md'), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, body]) => body,
  );

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Template {
  readonly spec: {
    readonly containers: readonly Container[];
    readonly volumes: readonly { readonly name: string }[];
    readonly restartPolicy?: string;
  };
}
const [mpiJob, indexedJob] = blocks('yaml').map((block) => parse(block) as unknown);

describe('commands', async () => {
  const program = new Command();
  await addVerbs(program);
  const scripts = [
    ...blocks('sh'),
    ...[mpiJob, indexedJob].flatMap((job) =>
      [...JSON.stringify(job).matchAll(/"args":\["([^"]*)"/g)].map(([, args]) => args),
    ),
  ];
  const calls = scripts
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .flatMap(
      (line) =>
        /(?:bin\/|npx |\s|^)convnextv2 (\w+)(.*)/.exec(line.replace(/#.*|\$\(.*\)/g, '')) ?? [],
    );

  test.each(blocks('sh'))('scripts are sound to bash', (script) => {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });

  test('use verbs and options that there are', () => {
    let found = 0;
    for (let i = 0; i < calls.length; i += 3) {
      const [, verb, rest] = calls.slice(i, i + 3);
      const command = program.commands.find((one) => one.name() === verb);
      const options = command?.options.map(({ long }) => long);
      expect(options, verb).toBeDefined();
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(options, verb).toContain(option);
      found++;
    }
    expect(found).toBeGreaterThanOrEqual(9);
  });
});

/** Fields of a mapping that are not among those of the API. */
const unknown = (value: object, known: readonly string[]): readonly string[] =>
  Object.keys(value).filter((key) => !known.includes(key));

function assertVolumes({ spec }: Template): void {
  const volumes = spec.volumes.map(({ name }) => name);
  for (const { args = [], volumeMounts } of spec.containers) {
    const mounts = volumeMounts.map(({ mountPath }) => mountPath);
    volumeMounts.forEach(({ name }) => expect(volumes).toContain(name));
    if (args.join(' ').includes('--shard'))
      for (const [, path] of args.join(' ').matchAll(/ \/(\w+)/g))
        expect(mounts).toContain(`/${path}`);
  }
}

test("the training job has the fields of the MPI Operator's v2beta1, and as many ranks as slots", () => {
  const job = mpiJob as {
    readonly apiVersion: string;
    readonly kind: string;
    readonly spec: {
      readonly slotsPerWorker: number;
      readonly runPolicy: object;
      readonly mpiReplicaSpecs: Readonly<
        Record<string, { readonly replicas: number; readonly template: Template }>
      >;
    };
  };
  expect([job.apiVersion, job.kind]).toEqual(['kubeflow.org/v2beta1', 'MPIJob']);
  const { spec } = job;
  expect(
    unknown(spec, [
      'slotsPerWorker',
      'runPolicy',
      'mpiReplicaSpecs',
      'sshAuthMountPath',
      'mpiImplementation',
    ]),
  ).toEqual([]);
  const policy = [
    'cleanPodPolicy',
    'ttlSecondsAfterFinished',
    'activeDeadlineSeconds',
    'backoffLimit',
    'suspend',
  ];
  expect(unknown(spec.runPolicy, policy)).toEqual([]);
  const { Launcher, Worker, ...others } = spec.mpiReplicaSpecs;
  expect(others).toEqual({});
  for (const { template } of [Launcher, Worker]) assertVolumes(template);
  const [, ranks] = / -n (\d+) /.exec(Launcher.template.spec.containers[0].args?.[0] ?? '') ?? [];
  expect(Number(ranks)).toBe(Worker.replicas * spec.slotsPerWorker);
  // The ranks run in the workers: those need what the command names.
  const mounts = Worker.template.spec.containers[0].volumeMounts.map(({ mountPath }) => mountPath);
  expect(mounts).toEqual(expect.arrayContaining(['/data', '/runs']));
});

test('the evaluation job has a shard for each of its completions', () => {
  const { apiVersion, kind, spec } = indexedJob as {
    readonly apiVersion: string;
    readonly kind: string;
    readonly spec: {
      readonly completionMode: string;
      readonly completions: number;
      readonly parallelism: number;
      readonly template: Template;
    };
  };
  expect([apiVersion, kind, spec.completionMode]).toEqual(['batch/v1', 'Job', 'Indexed']);
  expect(
    unknown(spec, ['completionMode', 'completions', 'parallelism', 'backoffLimit', 'template']),
  ).toEqual([]);
  expect(spec.template.spec.restartPolicy).toBe('OnFailure');
  assertVolumes(spec.template);
  expect(spec.template.spec.containers[0].args?.[0]).toContain(
    `$JOB_COMPLETION_INDEX/${spec.completions}`,
  );
});
