/** Type guards for uploads of any GraphQL client. */
import { expect, expectTypeOf, it } from 'vitest'
import { isReady, isTerminal } from '../../src/client/client.ts'

/** As GraphQL Code Generator writes it for a selection of some fields. */
interface SelectedUpload {
  readonly status: 'PENDING_UPLOAD' | 'READY' | 'DELETED'
  readonly video?: {
    readonly hlsURL?: string | null
    readonly playback?: { readonly hlsURL: string } | null
    readonly durationSeconds?: number | null
    readonly width?: number | null
  } | null
}

const playback = { hlsURL: 'https://example.com/a.m3u8' }

it('narrows an upload to one whose video plays', () => {
  const upload: SelectedUpload = {
    status: 'READY',
    video: { hlsURL: null, playback, durationSeconds: 6, width: null },
  }
  expect(isReady(upload)).toBe(true)
  if (!isReady(upload)) return
  expectTypeOf(upload.status).toEqualTypeOf<'READY'>()
  expectTypeOf(upload.video.playback).toEqualTypeOf<{ readonly hlsURL: string }>()
  // The plain addresses of a private video are null.
  expectTypeOf(upload.video.hlsURL).toEqualTypeOf<string | null | undefined>()
  expectTypeOf(upload.video.durationSeconds).toEqualTypeOf<number>()
  expectTypeOf(upload.video.width).toEqualTypeOf<number | null | undefined>()
})

it.each<SelectedUpload>([
  { status: 'READY' },
  { status: 'READY', video: null },
  { status: 'READY', video: { playback: null, durationSeconds: 6 } },
  { status: 'READY', video: { playback, durationSeconds: null } },
  { status: 'PENDING_UPLOAD', video: { playback } },
  { status: 'DELETED', video: { playback } },
])('reports %j as not READY', (upload) => {
  expect(isReady(upload)).toBe(false)
})

it('reports the statuses after which nothing follows', () => {
  const all = ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS']
  expect(all.filter((status) => isTerminal({ status }))).toEqual([])
  const last = ['READY', 'ERROR', 'EXPIRED', 'DELETED']
  expect(last.filter((status) => isTerminal({ status }))).toEqual(last)
})
