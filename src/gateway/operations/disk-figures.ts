/** How fast the disk of this node is, as Prometheus reads it. Filled where the log and the state are written, from before the gateway is there. */
import { Counter, Histogram } from 'prom-client';

/** From a fast NVMe to a disk that is about to cost an election. */
const buckets = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

interface Written {
  readonly durationMs: number;
  readonly bytes: number;
}

export class DiskFigures {
  readonly #sync = new Histogram({
    name: 'conclave_log_sync_seconds',
    help: 'Write and fsync of the log, each shared by the appends that waited for it.',
    buckets,
    registers: [],
  });
  readonly #logBytes = new Counter({
    name: 'conclave_log_written_bytes_total',
    help: 'Written to the log.',
    registers: [],
  });
  readonly #flush = new Histogram({
    name: 'conclave_state_flush_seconds',
    help: 'One synced batch of the applied state.',
    buckets,
    registers: [],
  });
  readonly #stateBytes = new Counter({
    name: 'conclave_state_written_bytes_total',
    help: 'Of the applied state, as it was staged.',
    registers: [],
  });
  readonly metrics = [this.#sync, this.#logBytes, this.#flush, this.#stateBytes] as const;

  readonly onRound = ({ durationMs, bytes }: Written): void => {
    this.#sync.observe(durationMs / 1_000);
    this.#logBytes.inc(bytes);
  };

  readonly onBatch = ({ durationMs, bytes }: Written): void => {
    this.#flush.observe(durationMs / 1_000);
    this.#stateBytes.inc(bytes);
  };
}
