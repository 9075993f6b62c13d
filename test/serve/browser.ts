import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of Chromium: of `$CHROMIUM`, or where systems install it. */
export const CHROMIUM = [process.env['CHROMIUM'], ...PLACES].find(
  (path): path is string => path !== undefined && existsSync(path),
);

/** Reason to leave tests with a browser out, for the reporter. */
export const NO_CHROMIUM = 'no Chromium: install one, or set CHROMIUM to its path';

/** Lets pages use WebGPU on SwiftShader, the software adapter that Chromium brings along. */
const SOFTWARE_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--ignore-gpu-blocklist',
];

/** Starts Chromium without a window. @param webgpu whether pages have a WebGPU adapter, of software */
export function startChromium({ webgpu = false } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM!,
    args: [
      ...['--no-sandbox', '--disable-dev-shm-usage'],
      ...(webgpu ? SOFTWARE_WEBGPU : ['--disable-gpu']),
    ],
  });
}
