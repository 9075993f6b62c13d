import { expect, test } from 'vitest';
import { DataError, InputError, WeightsError } from '../../core/errors.js';
import { TruncatedPickle } from '../../io/torch/cursor.js';

test('an error about a file starts with its path and keeps file, id and cause', () => {
  const cause = new Error('reason');
  const error = DataError.in('set/a.json', 'expected a list, got 3', { id: 7, cause });
  expect(error).toBeInstanceOf(DataError);
  expect(error).toMatchObject({
    name: 'DataError',
    message: 'set/a.json: expected a list, got 3',
    file: 'set/a.json',
    id: 7,
    cause,
  });
  expect('cause' in WeightsError.in('w.pt', 'expected weights')).toBe(false);
});

test('it has the class on which it was made', () => {
  const error = TruncatedPickle.in('w.pt', 'expected more');
  expect([error instanceof TruncatedPickle, error instanceof InputError]).toEqual([true, true]);
  expect(error.name).toBe('TruncatedPickle');
});
