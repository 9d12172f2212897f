/** Gauges of the gateway's state, read only during a scrape. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Logger } from '../../shared/logger.ts'
import type { Clock } from '../../shared/clock.ts'
import type { TargetCounts } from '../../uploads/ports/callback-store.ts'
import { type UploadStatus, uploadStatuses } from '../../uploads/upload.ts'
import { singleFlight } from './single-flight.ts'

/** Sources of the gauges. */
export interface StateReadings {
  /** Number of uploads by status; a missing status has none. */
  uploadsByStatus(): Promise<ReadonlyMap<UploadStatus, number>>
  /** Reservations whose outcome at Stream is unknown. */
  reservations(): Promise<number>
  /** Seconds of video reserved and stored, over all creators. */
  quotaUsage(): Promise<{ readonly reservedSeconds: number; readonly storedSeconds: number }>
  /** Due time of the most overdue poll; null if no upload is due. */
  oldestPollDue(): Promise<Date | null>
  /** Callbacks to each target, by its name; empty if there are none. */
  callbacks(): Promise<ReadonlyMap<string, TargetCounts>>
  /** Requests to Stream's API left in the current five minutes; Infinity without a limit. */
  streamBudgetRemaining(): Promise<number>
  /** Requests without a response yet, and how many of them are queued. */
  load(): { readonly inFlight: number; readonly queued: number }
}

/** Timeout of one read in milliseconds; Prometheus itself waits ten seconds. */
const READ_TIMEOUT_MS = 3000

export interface GaugeOptions {
  readonly readings: StateReadings
  readonly clock: Clock
  readonly log: Logger
}

/** Omits a gauge whose read fails from the scrape, and counts and logs the failure. */
export function registerStateGauges(
  registry: Registry,
  { readings, clock, log }: GaugeOptions,
): void {
  const failures = new Counter({
    name: 'headgate_scrape_failures_total',
    help: 'Gauge reads that failed during a scrape.',
    labelNames: ['gauge'],
    registers: [registry],
  })

  /** Returns null if the read fails or times out. */
  async function read<T>(gauge: string, reading: () => Promise<T>): Promise<T | null> {
    const done = new AbortController()
    try {
      const timeout = clock.wait(READ_TIMEOUT_MS, done.signal).then(() => {
        throw new Error(`Reading the gauge timed out after ${READ_TIMEOUT_MS} ms.`)
      })
      return await Promise.race([reading(), timeout])
    } catch (error) {
      failures.inc({ gauge })
      log.warn({ gauge, err: error }, 'reading a gauge failed')
      return null
    } finally {
      done.abort()
    }
  }

  const uploads = new Gauge({
    name: 'headgate_uploads',
    help: 'Uploads, by status.',
    labelNames: ['status'],
    registers: [],
    async collect() {
      const counts = await read('headgate_uploads', () => readings.uploadsByStatus())
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
    () => readings.reservations(),
  )
  // Both gauges of one scrape share one query.
  const quotaUsage = singleFlight(() => readings.quotaUsage())
  registerGauge(
    'headgate_reserved_seconds',
    'Seconds of video reserved for uploads that are not processed yet.',
    async () => (await quotaUsage()).reservedSeconds,
  )
  registerGauge(
    'headgate_stored_seconds',
    'Seconds of video stored at Stream.',
    async () => (await quotaUsage()).storedSeconds,
  )
  registerGauge(
    'headgate_sync_lag_seconds',
    'Seconds by which the oldest due poll is late; 0 if no poll is due.',
    async () => {
      const due = await readings.oldestPollDue()
      return due === null ? 0 : Math.max(0, clock.now().getTime() - due.getTime()) / 1000
    },
  )
  registerGauge(
    'headgate_stream_api_budget_remaining',
    "Requests to Stream's API that mutations may still send in the current five minutes; +Inf without a limit.",
    () => readings.streamBudgetRemaining(),
  )
  // The gauges of one scrape share one query.
  const callbacks = singleFlight(() => readings.callbacks())
  function registerCallbackGauge(
    name: string,
    help: string,
    valueOf: (counts: TargetCounts) => number,
  ): void {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['target'],
      registers: [],
      async collect() {
        const targets = await read(name, callbacks)
        this.reset()
        for (const [target, counts] of targets ?? []) this.set({ target }, valueOf(counts))
      },
    })
    registry.registerMetric(gauge)
  }
  registerCallbackGauge(
    'headgate_callbacks_waiting',
    'Callbacks that wait for their delivery, by target; 10000 means that many or more.',
    ({ waiting }) => waiting,
  )
  registerCallbackGauge(
    'headgate_callbacks_dead',
    'Dead letters: callbacks that are not sent again, by target; 10000 means that many or more.',
    ({ dead }) => dead,
  )
  registerCallbackGauge(
    'headgate_callbacks_oldest_seconds',
    'Age of the oldest callback that waits for its delivery, by target; 0 if none waits.',
    ({ oldestWaiting }) =>
      oldestWaiting === null
        ? 0
        : Math.max(0, clock.now().getTime() - oldestWaiting.getTime()) / 1000,
  )
  registerGauge(
    'headgate_requests_in_flight',
    'Requests read and not responded to yet. Open event streams are not counted.',
    async () => readings.load().inFlight,
  )
  registerGauge(
    'headgate_requests_queued',
    'Requests read and waiting to be processed.',
    async () => readings.load().queued,
  )
}
