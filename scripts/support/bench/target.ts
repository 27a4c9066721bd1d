/**
 * The seam between the bench and what it measures: a target runs servers and names the driver with which the load child talks to them.
 * Conclave is one; a peer to compare with is another of the same shape.
 */
export interface BenchTarget {
  readonly name: string;
  /** URL of a module whose `openDriver` is an `OpenDriver`. It is loaded in the load child only. */
  readonly driver: string;
  /** What the driver needs to find the servers. Plain data: it crosses a process border. */
  readonly settings: DriverSettings;
  /** Processes of the servers, for their CPU time. */
  pids(): readonly number[];
  /** A sentence about what makes an answer durable here. */
  readonly durability: string;
  /** The state of the servers when something went wrong. */
  report(): string;
}

export interface DriverSettings {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly connections: number;
  readonly valueBytes: number;
  /** Connections that each message goes to; 0 where none of that is measured. */
  readonly readers: number;
}

export type OpenDriver = (settings: DriverSettings) => Promise<LoadDriver>;

export interface LoadDriver {
  /** One durable write over connection `slot % connections`; rejects unless the servers say that it is done. */
  send(slot: number): Promise<void>;
  close(): void;
}

/** Parent → load child. */
export type Order =
  | { readonly kind: 'open'; readonly driver: string; readonly settings: DriverSettings }
  | {
      readonly kind: 'measure';
      readonly inFlight: number;
      readonly warmUpMs: number;
      readonly measureMs: number;
    }
  | { readonly kind: 'close' };

/** Load child → parent. */
export type Answer =
  | { readonly kind: 'opened' }
  /** The warm-up is over, the measured time begins. */
  | { readonly kind: 'begun' }
  | ({ readonly kind: 'measured' } & Measured)
  | { readonly kind: 'failed'; readonly text: string };

export interface Measured {
  readonly done: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly largestMs: number;
  /** CPU time of the load child in the measured time. */
  readonly cpuMs: number;
}
