import { withoutControls } from '../../core/controls.js';
import type { FlagsOfMessage } from '../../core/errors.js';
import type { LogRecord, RunListener, WorkAhead } from '../../train/log-record.js';
import { RemainingTime } from './remaining-time.js';
import { formatTerms, statusBlock, statusLine, type Status, type TrainRecord } from './status.js';

/** Output of the view: standard error. */
interface ViewStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Displays the progress of training: on a terminal three lines that are overwritten, with evaluations above them;
 * otherwise one line per record.
 */
export class ProgressView implements RunListener {
  private readonly startMs: number;
  private readonly remaining: RemainingTime;
  private drawn: readonly string[] = [];

  private readonly now: () => number;
  private readonly told: (what: string) => void;
  private hasSteps = false;

  /**
   * @param now returns milliseconds
   * @param waits called with what the run waits for
   */
  constructor(
    private readonly stream: ViewStream,
    {
      now = () => performance.now(), // of no system clock, which may jump
      waits = () => undefined,
    }: { readonly now?: () => number; readonly waits?: (what: string) => void } = {},
  ) {
    this.now = now;
    this.told = waits;
    this.startMs = now();
    this.remaining = new RemainingTime(this.startMs);
  }

  /** Shows a record. */
  record(record: LogRecord, totalSteps: number, ahead?: WorkAhead): void {
    if (record.kind === 'eval') {
      this.remaining.evaluated(record.step, this.now());
      const { step, which, metrics } = record;
      if (Object.keys(metrics).length > 0)
        this.note(`eval   step ${step}  ${which}: ${formatTerms(metrics)}`);
      return;
    }
    this.hasSteps = true;
    const status = this.statusOf(record, totalSteps, ahead);
    if (!this.stream.isTTY) {
      this.write([statusLine(status)]);
      return;
    }
    this.erase();
    this.drawn = statusBlock(status, this.stream.columns ?? 80);
    this.write(this.drawn);
  }

  /** Writes a permanent line above the changing ones, with the flags of the command line. */
  note(line: string, flags: FlagsOfMessage = {}): void {
    const block = this.drawn;
    this.erase();
    const said = Object.entries(flags).reduce(
      (text, [option, flag]) => text.replaceAll(option, () => flag),
      line,
    );
    this.write([said, ...block]);
    this.drawn = block;
    if (!this.hasSteps) this.told('building the graphs of the first steps');
  }

  /** Tells what the run waits for. */
  waits(what: string): void {
    this.told(what);
  }

  private statusOf(record: TrainRecord, totalSteps: number, ahead?: WorkAhead): Status {
    const ms = this.now();
    this.remaining.stepped(record.step, ms);
    return {
      record,
      totalSteps,
      elapsedSeconds: (ms - this.startMs) / 1000,
      remainingSeconds: this.remaining.seconds(totalSteps, ahead),
    };
  }

  private write(lines: readonly string[]): void {
    this.stream.write(withoutControls(`${lines.join('\n')}\n`));
  }

  private erase(): void {
    // Moves to the first line of the block and clears the rest of the screen.
    if (this.drawn.length > 0) this.stream.write(`\x1b[${this.drawn.length}A\x1b[0J`);
    this.drawn = [];
  }
}
