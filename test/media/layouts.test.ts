/** Uploads each layout, and compares state, duration and size with ffprobe. layouts.md has the results. */
import { expect, test } from 'vitest'
import { z } from 'zod'

import { startTestEmulator } from '../kit/emulator.ts'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { containerLayouts } from './containers.ts'
import { readProbed, recordProbed, type Probed } from './ffprobe.ts'
import { mp4Layouts, type Layout } from './mp4-layouts.ts'

/** Seconds. MediaInfo does not count the last frame of some streams. */
const TOLERANCE = 0.1

/** Layouts with another result than ffprobe has, and why. */
const differences: Readonly<Record<string, string>> = {
  'picture.jpg': 'ERR_NON_VIDEO: a picture is no video',
  'a truncated MP4': 'ERR_MALFORMED_VIDEO: samples are missing',
  'MP4 without its last byte': 'ERR_MALFORMED_VIDEO: samples are missing',
  'h264.flv without its last third': 'ready: the duration is 0.2 s shorter',
  'h264.mpegts without its last third': 'ready: the duration is 0.2 s longer',
  'mpeg4.avi without its last third': 'ready: the duration is of the header',
  'short pasp': 'ready: ffprobe reads half the shape of the pixels from the next box',
}

const inputSchema = z.object({ width: z.number(), height: z.number() })

interface Row {
  readonly name: string
  readonly state: string
  readonly duration: number
  readonly width: number
  readonly height: number
}

async function uploaded(layouts: readonly Layout[]): Promise<readonly Row[]> {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const rows: Row[] = []
  for (const { name, bytes } of layouts) {
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const { status } = await stream.sendFile(uploadURL, new Blob([new Uint8Array(bytes)]))
    expect(status).toBe(200)
    const video = await stream.details(uid)
    const { state, errorReasonCode } = video.status
    const input = inputSchema.parse(video['input'])
    rows.push({ name, state: errorReasonCode || state, duration: video.duration, ...input })
  }
  return rows
}

function describeDifference(row: Row, probed: Probed | undefined): string | null {
  const difference = differences[row.name]
  if (difference !== undefined) return difference.startsWith(`${row.state}:`) ? null : difference
  if (probed === undefined) return 'not recorded'
  if (probed.kind === 'unreadable') return null
  if (probed.kind === 'audio') return row.state === 'ERR_NON_VIDEO' ? null : 'ERR_NON_VIDEO'
  const { duration = 0, stated = 0, width, height } = probed
  const isSame =
    row.state === 'ready' &&
    [duration, stated].some((seconds) => Math.abs(row.duration - seconds) <= TOLERANCE) &&
    row.width === width &&
    row.height === height
  return isSame ? null : `ready, ${duration} s, ${width} × ${height}`
}

/** A table of Markdown as oxfmt formats it. */
function toTable(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((cells) => (cells[column] ?? '').length)),
  )
  const texts = lines.map(
    (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`,
  )
  const separator = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [texts[0], separator, ...texts.slice(1)].join('\n')
}

test('every layout has the state, duration and size that ffprobe reports', async () => {
  const layouts = [...(await containerLayouts()), ...mp4Layouts]
  if (process.env['RECORD_FFPROBE'] === '1') recordProbed(layouts)
  const probed = readProbed()
  const rows = await uploaded(layouts)
  const wrong = rows.flatMap((row) => {
    const difference = describeDifference(row, probed[row.name])
    return difference === null ? [] : [{ ...row, expected: difference }]
  })
  expect(wrong).toEqual([])

  const header = ['file', 'state', 'seconds', 'size', 'ffprobe', 'seconds', 'size', 'difference']
  const lines = rows.map(({ name, state, duration, width, height }) => {
    const theirs: Probed | undefined = probed[name]
    const isVideo = theirs?.kind === 'video'
    return [
      name,
      state,
      String(duration),
      `${width} × ${height}`,
      theirs?.kind ?? '',
      isVideo ? String(theirs.duration) : '',
      isVideo ? `${theirs.width} × ${theirs.height}` : '',
      differences[name] ?? '',
    ]
  })
  await expect(`# What the emulator reads from each layout

Written by layouts.test.ts; \`npx vitest run test/media --update\` writes it again.

${toTable([header, ...lines])}
`).toMatchFileSnapshot('layouts.md')
}, 120_000)
