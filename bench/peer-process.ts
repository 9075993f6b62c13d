import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { PEER_ALLOCATOR } from './peer-allocator.js';

/** Versions and settings of the peers, as they report them. */
export interface PeerHello {
  readonly versions: Readonly<Record<string, string>>;
  /** Description of the measured model. */
  readonly note: string;
}

/** Times of each way in one round. */
export type PeerRound = Readonly<
  Record<string, { readonly ms: readonly number[]; readonly disturbed: boolean }>
>;

/** The Python process of `modern_peers.py`: its models stay compiled from round to round, and it sleeps between rounds. */
export class PeerProcess {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;
  private errors = '';

  constructor(python: string, script: string, args: readonly string[]) {
    const env: NodeJS.ProcessEnv = { ...process.env, ...PEER_ALLOCATOR };
    delete env['OPENBLAS_CORETYPE'];
    delete env['OPENBLAS_L2_SIZE'];
    this.child = spawn(python, [script, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (text: Buffer) => (this.errors += text.toString()));
    this.child.on('error', ({ message }) => (this.errors += message));
    this.reader = createInterface({ input: this.child.stdout });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** Waits until the models are built. @throws Error with the output of Python if they cannot be */
  hello(): Promise<PeerHello> {
    return this.document<PeerHello>();
  }

  /** Times each way once. @throws Error if Python ended */
  round(repeats: number): Promise<PeerRound> {
    this.child.stdin.write(`${repeats}\n`);
    return this.document<PeerRound>();
  }

  close(): void {
    this.child.stdin.end();
    this.reader.close();
  }

  /** The next line that is a JSON object; libraries print other lines. */
  private async document<T>(): Promise<T> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error(`peer: expected a line of JSON, got ${this.errors.slice(-2000)}`);
      if (value.startsWith('{')) return JSON.parse(value) as T;
    }
  }
}
