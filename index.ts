/** The public API. */
export {
  ConfigError,
  DataError,
  InputError,
  ShapeError,
  WeightsError,
  WorkError,
} from './core/errors.js';
