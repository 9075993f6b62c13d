import type { ScaleLimits } from './transforms/keep-ratio.js';
import type { ProblemKind } from './problems.js';

/** Settings of a run that decide which images and objects of a set it can use. */
export interface TrainingNeeds {
  /** Whether the model learns masks of objects. */
  readonly masks: boolean;
  /** Whether images without objects are trained on. */
  readonly keepEmpty: boolean;
  /** Limits of the sides of the resized images in pixels, where the aspect ratio is kept. */
  readonly limits?: ScaleLimits | undefined;
}

/** Purpose of a part of a set. */
export type PartPurpose = 'training' | 'evaluation';

/** Images or objects of a part that are not used, for one reason. */
export interface LeftOut {
  readonly what: 'images' | 'objects';
  /** Code of the reason, e.g. `box-small`. */
  readonly reason: string;
  readonly meaning: string;
  readonly count: number;
  /** Ids of the first ones. */
  readonly ids: readonly (number | string)[];
}

/** Use of a part in training or evaluation. */
export interface PartUse {
  /** Numbers of used images, objects and so on. */
  readonly used: Readonly<Record<string, number>>;
  readonly leftOut: readonly LeftOut[];
}

/** Number of ids that are kept. */
const MOST_IDS = 5;

/** Counts what is left out by reason. */
export class LeftOutCounter {
  private readonly counts = new Map<
    string,
    Omit<LeftOut, 'count' | 'ids'> & { count: number; readonly ids: (number | string)[] }
  >();

  /** Counts an image or object. */
  add(what: LeftOut['what'], { code, meaning }: ProblemKind, id: number | string): void {
    const key = `${what} ${code}`;
    let entry = this.counts.get(key);
    if (!entry) this.counts.set(key, (entry = { what, reason: code, meaning, count: 0, ids: [] }));
    entry.count++;
    if (entry.ids.length < MOST_IDS) entry.ids.push(id);
  }

  /** All counts, in order of the first occurrence. */
  list(): readonly LeftOut[] {
    return [...this.counts.values()];
  }
}

/** Line about the use of a part: `3 images, 7 objects; left out: 1 objects (box-small: 900)`. */
export function useLine({ used, leftOut }: PartUse): string {
  const numbers = Object.entries(used).map(([name, count]) => `${count} ${name}`);
  const rest = leftOut.map(({ what, reason, count, ids }) => {
    const more = count > ids.length ? ', …' : '';
    return `${count} ${what} (${reason}: ${ids.join(', ')}${more})`;
  });
  return numbers.join(', ') + (rest.length > 0 ? `; left out: ${rest.join(', ')}` : '');
}
