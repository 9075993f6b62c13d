/**
 * Keeps ONNX Runtime from reporting to Microsoft. Since version 1.29, its libraries for Linux and macOS send names and hashes of
 * models and facts of the machine, keep an identifier and a database in the home folder, and leave a file per process
 * in the temporary folder, unless this variable is set before the library is loaded. A value that is already set stays,
 * so that `ORT_DISABLE_TELEMETRY=0` allows it.
 *
 * Worker threads have a copy of the environment that the library does not see: so the main thread calls this before it
 * starts one that loads the library.
 *
 * @see https://github.com/microsoft/onnxruntime/pull/27379
 */
export function disableTelemetry(): void {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1';
}
