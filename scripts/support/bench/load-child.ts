/** The load generator: a process of its own, so that it shares no event loop with what it measures. Orders and answers go over IPC. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, LoadDriver, Measured, OpenDriver, Order } from './target.ts';

/** Latencies kept of one measurement; later ones would not change a percentile. */
const mostSamples = 4_000_000;

let driver: LoadDriver | undefined;

process.on('message', (order: Order) => {
  carryOut(order).catch((error: unknown) => {
    answer({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
  });
});
process.on('disconnect', () => process.exit(0));

async function carryOut(order: Order): Promise<void> {
  switch (order.kind) {
    case 'open': {
      const { openDriver } = (await import(order.driver)) as { openDriver: OpenDriver };
      driver = await openDriver(order.settings);
      answer({ kind: 'opened' });
      return;
    }
    case 'measure':
      if (driver === undefined) throw new Error('measure before open');
      answer({ kind: 'measured', ...(await measure(driver, order)) });
      return;
    case 'close':
      driver?.close();
      process.disconnect();
  }
}

/** `inFlight` slots, each of which sends its next message when the one before is answered. */
async function measure(
  target: LoadDriver,
  order: { readonly inFlight: number; readonly warmUpMs: number; readonly measureMs: number },
): Promise<Measured> {
  const samples = new Float64Array(mostSamples);
  let done = 0;
  let measuring = false;
  let running = true;
  const slot = async (number: number): Promise<void> => {
    while (running) {
      const sentMs = performance.now();
      await target.send(number);
      if (!measuring) continue;
      if (done < mostSamples) samples[done] = performance.now() - sentMs;
      done++;
    }
  };
  const all = Promise.all(Array.from({ length: order.inFlight }, (_, number) => slot(number)));
  // The first failure ends the measurement, not only its slot.
  await Promise.race([delay(order.warmUpMs), all]);
  const cpuBefore = process.cpuUsage();
  const begunMs = performance.now();
  measuring = true;
  answer({ kind: 'begun' });
  await Promise.race([delay(order.measureMs), all]);
  measuring = false;
  const elapsedMs = performance.now() - begunMs;
  const cpu = process.cpuUsage(cpuBefore);
  const counted = done;
  running = false;
  await all;
  const sorted = samples.subarray(0, Math.min(counted, mostSamples)).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return {
    done: counted,
    elapsedMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    largestMs: at(1),
    cpuMs: (cpu.user + cpu.system) / 1_000,
  };
}

function answer(message: Answer): void {
  process.send?.(message);
}
