/** Gauges of the gateway's state, read only during a scrape. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Logger } from '../../shared/logger.ts'
import type { Clock } from '../../shared/clock.ts'
import { type UploadStatus, uploadStatuses } from '../../uploads/upload.ts'
import { singleFlight } from './single-flight.ts'

/** Sources of the gauges. */
export interface StateReadings {
  /** Number of uploads by status; a missing status has none. */
  uploadsByStatus(): Promise<ReadonlyMap<UploadStatus, number>>
  /** Reservations whose outcome at Stream is unknown. */
  reservations(): Promise<number>
  /** Seconds of video reserved and stored, over all creators. */
  holdings(): Promise<{ readonly reservedSeconds: number; readonly storedSeconds: number }>
  /** Due time of the most overdue poll; null where no upload is due. */
  oldestDue(): Promise<Date | null>
  /** Requests to Stream's API left in the current five minutes; Infinity without a limit. */
  streamBudgetLeft(): Promise<number>
  /** Requests without a response yet, and how many of them are queued. */
  load(): { readonly inFlight: number; readonly queued: number }
}

/** Timeout of one read in milliseconds; Prometheus itself waits ten seconds. */
const READ_TIMEOUT_MS = 3000

export interface GaugeOptions {
  readonly observe: StateReadings
  readonly clock: Clock
  readonly log: Logger
}

/** Omits a gauge whose read fails from the scrape, and counts and logs the failure. */
export function registerStateGauges(
  registry: Registry,
  { observe, clock, log }: GaugeOptions,
): void {
  const failures = new Counter({
    name: 'headgate_scrape_failures_total',
    help: 'Gauges that could not be read when somebody scraped.',
    labelNames: ['gauge'],
    registers: [registry],
  })

  /** Returns null where the read fails or times out. */
  async function read<T>(gauge: string, reading: () => Promise<T>): Promise<T | null> {
    const done = new AbortController()
    try {
      const timeout = clock.wait(READ_TIMEOUT_MS, done.signal).then(() => {
        throw new Error(`The gauge was not read within ${READ_TIMEOUT_MS} ms.`)
      })
      return await Promise.race([reading(), timeout])
    } catch (error) {
      failures.inc({ gauge })
      log.warn({ gauge, err: error }, 'a gauge could not be read')
      return null
    } finally {
      done.abort()
    }
  }

  const uploads = new Gauge({
    name: 'headgate_uploads',
    help: 'Uploads in each status.',
    labelNames: ['status'],
    registers: [],
    async collect() {
      const counts = await read('headgate_uploads', () => observe.uploadsByStatus())
      this.reset()
      if (counts === null) return
      for (const status of uploadStatuses) this.set({ status }, counts.get(status) ?? 0)
    },
  })
  registry.registerMetric(uploads)

  function registerGauge(name: string, help: string, reading: () => Promise<number>): void {
    const gauge = new Gauge({
      name,
      help,
      registers: [],
      async collect() {
        const value = await read(name, reading)
        if (value === null) this.remove()
        else this.set(value)
      },
    })
    registry.registerMetric(gauge)
  }

  registerGauge(
    'headgate_reservations',
    'Reservations whose outcome at Stream is not known yet.',
    () => observe.reservations(),
  )
  // Both gauges of one scrape share one query.
  const quotaUsage = singleFlight(() => observe.holdings())
  registerGauge(
    'headgate_reserved_seconds',
    'Seconds of video that are held back for uploads under way.',
    async () => (await quotaUsage()).reservedSeconds,
  )
  registerGauge(
    'headgate_stored_seconds',
    'Seconds of video that are stored at Stream.',
    async () => (await quotaUsage()).storedSeconds,
  )
  registerGauge(
    'headgate_sync_lag_seconds',
    'How overdue the most overdue upload is: seconds since Stream should have been asked after it.',
    async () => {
      const due = await observe.oldestDue()
      return due === null ? 0 : Math.max(0, clock.now().getTime() - due.getTime()) / 1000
    },
  )
  registerGauge(
    'headgate_stream_budget_left',
    "Requests that mutations may still make to Stream's API in the present five minutes; +Inf without a limit.",
    () => observe.streamBudgetLeft(),
  )
  registerGauge(
    'headgate_requests_in_flight',
    'Requests that were read and are not answered yet; streams that stand open are not among them.',
    async () => observe.load().inFlight,
  )
  registerGauge(
    'headgate_requests_queued',
    'Requests that were read and wait for their turn.',
    async () => observe.load().queued,
  )
}
