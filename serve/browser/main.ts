import { startPage } from '../page/app.js';
import { createWorkerApi } from './worker-api.js';

/** The page of `export --web`. */
startPage(createWorkerApi);
