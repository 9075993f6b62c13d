import { expect, test } from 'vitest';
import { DataError, InputError, WeightsError, WorkError } from '../../core/errors.js';
import { describeFailure, reviveFailure } from '../../core/failure.js';

const crossed = (error: unknown): Error =>
  reviveFailure(structuredClone(describeFailure(error)), 'loader');

test('one of our errors keeps its class, message, file and id', () => {
  const error = crossed(new DataError('a.png: broken', { file: 'a.png', id: 7 }));
  expect(error).toBeInstanceOf(DataError);
  expect(error).toMatchObject({ message: 'a.png: broken', file: 'a.png', id: 7 });
  expect(crossed(new WeightsError('w'))).toBeInstanceOf(WeightsError);
  expect(crossed(new WeightsError('w'))).toMatchObject({ file: undefined, id: undefined });
});

test('other errors become a WorkError with the place, and the text as cause', () => {
  const error = crossed(new TypeError('no such function'));
  expect(error).toBeInstanceOf(WorkError);
  expect(error).not.toBeInstanceOf(InputError);
  expect(error.message).toBe('loader: no such function');
  expect((error.cause as Error).message).toContain('TypeError: no such function');
  expect(crossed('text').message).toBe('loader: text');
});
