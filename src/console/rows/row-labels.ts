/** Labels of a row: state, progress and announcement. */
import {
  formatProgress,
  formatTimeLeft,
  formatDuration,
  formatBytes,
  formatRate,
} from '../format.ts'
import type { Row, RowState } from './row.ts'

export const STATE_LABELS: Readonly<Record<RowState, string>> = {
  waiting: 'Waiting',
  preparing: 'Preparing',
  uploading: 'Uploading',
  paused: 'Paused',
  interrupted: 'Interrupted',
  'other-device': 'Not received yet',
  queued: 'Received',
  encoding: 'Encoding',
  ready: 'Ready',
  failed: 'Failed',
  expired: 'Expired',
}

/** Returns the progress in bytes, then in encoding; the result for a terminal state. */
export function progressLabel(row: Row): string {
  switch (row.state) {
    case 'waiting':
      return 'Starts when another upload ends.'
    case 'preparing':
      return 'Requesting an upload URL.'
    case 'uploading':
      return [bytesOf(row), ...rateOf(row)].join(' · ')
    case 'paused':
      return row.sentBytes === 0 ? 'Paused before the start' : `Paused at ${bytesOf(row)}`
    case 'interrupted':
      return row.sentBytes === null || row.sentBytes === 0
        ? 'Choose the same file to resume.'
        : `${bytesOf(row)} · Choose the same file to resume.`
    case 'other-device':
      return row.sentBytes === null
        ? 'Created by another page, or by the API.'
        : `${bytesOf(row)}, sent from elsewhere.`
    case 'queued':
      return 'Received; waiting for an encoder.'
    case 'encoding':
      return `Encoding ${Math.round(row.encodingPercent ?? 0)} %`
    case 'ready':
      return detailsOf(row).join(' · ')
    case 'failed':
      return row.failure?.message ?? 'Stream gave no reason.'
    case 'expired':
      return 'The upload URL expired before the file was received. Its storage is no longer reserved.'
  }
}

/** Returns the screen-reader announcement of a row's new state. */
export function announcementFor(row: Row): string {
  const failure = row.state === 'failed' ? `: ${progressLabel(row)} ${row.failure?.hint ?? ''}` : ''
  return `${row.name}: ${STATE_LABELS[row.state]}${failure}`.trim()
}

function bytesOf({ sentBytes, sizeBytes }: Row): string {
  if (sizeBytes === null) return formatBytes(sentBytes ?? 0)
  return formatProgress(sentBytes ?? 0, sizeBytes)
}

function rateOf({ bytesPerSecond, sizeBytes, sentBytes }: Row): string[] {
  if (bytesPerSecond === null || bytesPerSecond < 1) return []
  const secondsLeft = ((sizeBytes ?? 0) - (sentBytes ?? 0)) / bytesPerSecond
  return [formatRate(bytesPerSecond), `${formatTimeLeft(secondsLeft)} left`]
}

function detailsOf({ upload }: Row): string[] {
  const video = upload?.video ?? null
  if (upload === null || video === null) return ['Ready to play']
  const { durationSeconds, width, height } = video
  return [
    ...(durationSeconds === null ? [] : [formatDuration(durationSeconds)]),
    ...(width === null || height === null ? [] : [`${width} × ${height}`]),
    dayOf(upload.createdAt),
  ]
}

function dayOf(timestamp: string): string {
  return new Date(timestamp).toLocaleString('en', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
}
