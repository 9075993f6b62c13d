import { createApi } from './api.js';
import { startPage } from './app.js';

/** The page of `serve` at `/`. */
startPage(createApi);
