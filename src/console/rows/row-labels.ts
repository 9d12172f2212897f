/** What a row says: its state in a word or two, and how far it is in one line. */
import {
  progressInWords,
  remainingInWords,
  secondsInWords,
  sizeInWords,
  speedInWords,
} from '../format.ts'
import type { Row, RowState } from './row.ts'

export const STATE_WORDS: Readonly<Record<RowState, string>> = {
  waiting: 'Waiting',
  preparing: 'Preparing',
  uploading: 'Uploading',
  paused: 'Paused',
  interrupted: 'Interrupted',
  elsewhere: 'Not received yet',
  queued: 'Received',
  encoding: 'Encoding',
  ready: 'Ready',
  failed: 'Failed',
  expired: 'Lapsed',
}

/** How far it is, in bytes and then in encoding; where it is over, what came of it. */
export function progressLine(row: Row): string {
  switch (row.state) {
    case 'waiting':
      return 'Begins when one of the others is done.'
    case 'preparing':
      return 'Asking for a place to send it to.'
    case 'uploading':
      return [bytesOf(row), ...speedOf(row)].join(' · ')
    case 'paused':
      return row.sentBytes === 0 ? 'Paused before it began' : `Paused at ${bytesOf(row)}`
    case 'interrupted':
      return row.sentBytes === null || row.sentBytes === 0
        ? 'Choose the same file to go on.'
        : `${bytesOf(row)} · Choose the same file to go on.`
    case 'elsewhere':
      return row.sentBytes === null ? 'Begun elsewhere.' : `${bytesOf(row)}, from elsewhere.`
    case 'queued':
      return 'All of it has arrived; waiting for an encoder.'
    case 'encoding':
      return `Encoding ${Math.round(row.encodingPercent ?? 0)} %`
    case 'ready':
      return factsOf(row).join(' · ')
    case 'failed':
      return row.failure?.words ?? 'Stream gave no reason.'
    case 'expired':
      return 'Its URL lapsed before the file had arrived. Nothing is reserved for it any more.'
  }
}

/** What somebody who does not see the page is told when a row comes to this state. */
export function announcementOf(row: Row): string {
  const failure =
    row.state === 'failed' ? `: ${progressLine(row)} ${row.failure?.advice ?? ''}` : ''
  return `${row.name}: ${STATE_WORDS[row.state]}${failure}`.trim()
}

function bytesOf({ sentBytes, sizeBytes }: Row): string {
  if (sizeBytes === null) return sizeInWords(sentBytes ?? 0)
  return progressInWords(sentBytes ?? 0, sizeBytes)
}

function speedOf({ bytesPerSecond, sizeBytes, sentBytes }: Row): string[] {
  if (bytesPerSecond === null || bytesPerSecond < 1) return []
  const left = ((sizeBytes ?? 0) - (sentBytes ?? 0)) / bytesPerSecond
  return [speedInWords(bytesPerSecond), `${remainingInWords(left)} left`]
}

function factsOf({ upload }: Row): string[] {
  const video = upload?.video ?? null
  if (upload === null || video === null) return ['Ready to play']
  const { durationSeconds, width, height } = video
  return [
    ...(durationSeconds === null ? [] : [secondsInWords(durationSeconds)]),
    ...(width === null || height === null ? [] : [`${width} × ${height}`]),
    dayOf(upload.createdAt),
  ]
}

function dayOf(moment: string): string {
  return new Date(moment).toLocaleString('en', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
}
