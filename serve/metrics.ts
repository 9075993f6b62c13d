import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper ends of the histograms' bins in seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Counts for Prometheus. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** Counts an answered request of a prediction; `model` is empty if it named none. */
  countRequest(labels: { readonly model: string; readonly status: number }, seconds: number): void;
  /** Counts the images of a job and its time in the model's thread. */
  countJob(model: string, images: number, seconds: number): void;
}

/** State of the queue when the metrics are read. */
interface QueueState {
  readonly waiting: number;
  readonly running: number;
}

/** Creates the metrics of a server, with those of the process: memory, CPU time, delay of the event loop. */
export function createMetrics(queue: () => QueueState): Metrics {
  const registers = [new Registry()];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('convnextv2_queue_images', 'Images that wait', () => queue().waiting);
  gauge('convnextv2_running_images', 'Images in the thread of the models', () => queue().running);
  const requests = new Counter({
    name: 'convnextv2_requests_total',
    help: 'Requests of predictions',
    registers,
    labelNames: ['model', 'status'] as const,
  });
  const latency = new Histogram({
    name: 'convnextv2_request_seconds',
    registers,
    buckets: SECONDS,
    help: 'Time from the first byte of a request of predictions to its answer',
    labelNames: ['model'] as const,
  });
  const images = new Counter({
    name: 'convnextv2_images_total',
    help: 'Predicted images',
    registers,
    labelNames: ['model'] as const,
  });
  const inference = new Histogram({
    name: 'convnextv2_predict_seconds',
    registers,
    buckets: SECONDS,
    help: 'Time of a request in the thread of the models, with decoding and encoding',
    labelNames: ['model'] as const,
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    countRequest: ({ model, status }, seconds) => {
      requests.inc({ model, status });
      latency.observe({ model }, seconds);
    },
    countJob: (model, count, seconds) => {
      images.inc({ model }, count);
      inference.observe({ model }, seconds);
    },
  };
}
