/** Counts minted uploads, status transitions, webhooks and sync runs. */
import { Counter, Histogram, type Registry } from 'prom-client'
import { uploadStatuses } from '../../uploads/upload.ts'
import type { WebhookOutcome, Telemetry } from '../../uploads/ports/telemetry.ts'

/** Up to a day: encoding takes time, and unused URLs expire after 30 minutes or 6 hours. */
const STATUS_SECONDS = [1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400]
/** A signature timestamp has whole seconds and is valid for five minutes. */
const LAG_SECONDS = [1, 2, 5, 10, 30, 60, 120, 300]
const SYNC_RUN_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

const WEBHOOK_OUTCOMES: readonly WebhookOutcome[] = [
  'applied',
  'unmatched',
  'invalid_signature',
  'malformed',
]

export function createUploadMetrics(
  registry: Registry,
): Pick<Telemetry, 'minted' | 'statusChanged' | 'webhookReceived' | 'syncCompleted'> {
  const registers = [registry]
  const mints = new Counter({
    name: 'headgate_mints_total',
    help: 'Upload URLs requested, by protocol and outcome.',
    labelNames: ['protocol', 'outcome'],
    registers,
  })
  const transitions = new Counter({
    name: 'headgate_upload_transitions_total',
    help: 'Status transitions, by source.',
    labelNames: ['from', 'to', 'source'],
    registers,
  })
  const statusDurations = new Histogram({
    name: 'headgate_upload_status_duration_seconds',
    help: 'Seconds that uploads spent in a status, observed when they leave it.',
    labelNames: ['status'],
    buckets: STATUS_SECONDS,
    registers,
  })
  for (const status of uploadStatuses) statusDurations.zero({ status })
  const webhooks = new Counter({
    name: 'headgate_webhooks_total',
    help: 'Webhooks received, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of WEBHOOK_OUTCOMES) webhooks.inc({ outcome }, 0)
  const lags = new Histogram({
    name: 'headgate_webhook_lag_seconds',
    help: "Seconds from a webhook's signature timestamp to its processing.",
    buckets: LAG_SECONDS,
    registers,
  })
  return {
    minted: (protocol, outcome) => mints.inc({ protocol, outcome }),
    statusChanged({ from, to, source, seconds }) {
      transitions.inc({ from, to, source })
      if (seconds !== null) statusDurations.observe({ status: from }, Math.max(0, seconds))
    },
    webhookReceived(outcome, lagSeconds) {
      webhooks.inc({ outcome })
      // Stream's clock may be ahead of the gateway's.
      if (lagSeconds !== null) lags.observe(Math.max(0, lagSeconds))
    },
    syncCompleted: createSyncMetrics(registry),
  }
}

function createSyncMetrics(registry: Registry): Telemetry['syncCompleted'] {
  const registers = [registry]
  const runs = new Histogram({
    name: 'headgate_sync_round_duration_seconds',
    help: 'Seconds that sync runs took.',
    buckets: SYNC_RUN_SECONDS,
    registers,
  })
  const failures = new Counter({
    name: 'headgate_sync_failures_total',
    help: 'Sync runs that failed.',
    registers,
  })
  const uploads = new Counter({
    name: 'headgate_sync_uploads_total',
    help: 'Uploads polled, uploads changed and orphans deleted by sync runs.',
    labelNames: ['result'],
    registers,
  })
  for (const result of ['polled', 'changed', 'orphan_deleted']) uploads.inc({ result }, 0)
  return (report, seconds) => {
    runs.observe(seconds)
    if (report === null) {
      failures.inc()
      return
    }
    uploads.inc({ result: 'polled' }, report.polled)
    uploads.inc({ result: 'changed' }, report.changed)
    uploads.inc({ result: 'orphan_deleted' }, report.orphansDeleted)
  }
}
