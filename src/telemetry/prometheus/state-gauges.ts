/** What is read when somebody scrapes, and costs nothing in between: the state of the gateway. */
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Clock, Log } from '../../uploads/dependencies.ts'
import { type UploadStatus, uploadStatuses } from '../../uploads/upload.ts'
import { shared } from './single-flight.ts'

/** Where the readings come from. */
export interface Observations {
  /** How many uploads there are in each status; a status that is left out has none. */
  uploadsByStatus(): Promise<ReadonlyMap<UploadStatus, number>>
  /** Reservations whose outcome at Stream is not known yet. */
  reservations(): Promise<number>
  /** Seconds of video that all creators hold. */
  holdings(): Promise<{ readonly reservedSeconds: number; readonly storedSeconds: number }>
  /** When Stream should have been asked after the most overdue upload; null where none is due. */
  oldestDue(): Promise<Date | null>
  /** Requests to Stream's API that are left in the present five minutes; infinite without a limit. */
  streamBudgetLeft(): Promise<number>
  /** Requests read and not answered yet, and of them those whose turn has not come. */
  load(): { readonly inFlight: number; readonly queued: number }
}

/** A reading that takes longer is left out of the scrape. Prometheus itself waits for ten seconds. */
const READING_MS = 3000

export interface GaugeParts {
  readonly observe: Observations
  readonly clock: Clock
  readonly log: Log
}

/** A gauge that cannot be read is left out of the scrape, counted and logged; the others are there. */
export function observeGauges(registry: Registry, { observe, clock, log }: GaugeParts): void {
  const failures = new Counter({
    name: 'headgate_scrape_failures_total',
    help: 'Gauges that could not be read when somebody scraped.',
    labelNames: ['gauge'],
    registers: [registry],
  })

  /** Null where it cannot be had. */
  async function read<T>(gauge: string, reading: () => Promise<T>): Promise<T | null> {
    const over = new AbortController()
    try {
      const late = clock.wait(READING_MS, over.signal).then(() => {
        throw new Error(`The gauge was not read within ${READING_MS} ms.`)
      })
      return await Promise.race([reading(), late])
    } catch (error) {
      failures.inc({ gauge })
      log.warn({ gauge, err: error }, 'a gauge could not be read')
      return null
    } finally {
      over.abort()
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

  function observed(name: string, help: string, reading: () => Promise<number>): void {
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

  observed('headgate_reservations', 'Reservations whose outcome at Stream is not known yet.', () =>
    observe.reservations(),
  )
  // All gauges of a scrape are read at once: both of these by one reading.
  const holdings = shared(() => observe.holdings())
  observed(
    'headgate_reserved_seconds',
    'Seconds of video that are held back for uploads under way.',
    async () => (await holdings()).reservedSeconds,
  )
  observed(
    'headgate_stored_seconds',
    'Seconds of video that are stored at Stream.',
    async () => (await holdings()).storedSeconds,
  )
  observed(
    'headgate_sync_lag_seconds',
    'How overdue the most overdue upload is: seconds since Stream should have been asked after it.',
    async () => {
      const due = await observe.oldestDue()
      return due === null ? 0 : Math.max(0, clock.now().getTime() - due.getTime()) / 1000
    },
  )
  observed(
    'headgate_stream_budget_left',
    "Requests that mutations may still make to Stream's API in the present five minutes; +Inf without a limit.",
    () => observe.streamBudgetLeft(),
  )
  observed(
    'headgate_requests_in_flight',
    'Requests that were read and are not answered yet; streams that stand open are not among them.',
    async () => observe.load().inFlight,
  )
  observed(
    'headgate_requests_queued',
    'Requests that were read and wait for their turn.',
    async () => observe.load().queued,
  )
}
