/** What ffprobe reports about each layout. `RECORD_FFPROBE=1 npx vitest run test/media` records it again. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { z } from 'zod'

import type { Layout } from './mp4-layouts.ts'

const probedSchema = z.object({
  kind: z.enum(['video', 'audio', 'unreadable']),
  /** End of the last presented packet, from the start of the presentation. */
  duration: z.number().optional(),
  /** Duration of the container's headers or its index, which truncation and edits do not change. */
  stated: z.number().optional(),
  /** Displayed size: with the shape of the pixels and the rotation. */
  width: z.number().optional(),
  height: z.number().optional(),
})
export type Probed = z.infer<typeof probedSchema>

const path = new URL('ffprobe.json', import.meta.url)

export function readProbed(): Readonly<Record<string, Probed>> {
  return z.record(z.string(), probedSchema).parse(JSON.parse(readFileSync(path, 'utf8')))
}

export function recordProbed(layouts: readonly Layout[]): void {
  const probed = Object.fromEntries(layouts.map(({ name, bytes }) => [name, probe(bytes)]))
  writeFileSync(path, `${JSON.stringify(probed, null, 2)}\n`)
}

const seconds = z.coerce.number().optional()
const reportSchema = z.object({
  packets: z
    .array(z.object({ pts_time: seconds, duration_time: seconds, flags: z.string().default('') }))
    .default([]),
  streams: z
    .array(
      z.object({
        codec_type: z.string(),
        width: z.number().default(0),
        height: z.number().default(0),
        sample_aspect_ratio: z.string().default('1:1'),
        side_data_list: z.array(z.object({ rotation: z.number().optional() })).default([]),
      }),
    )
    .default([]),
  format: z.object({ format_name: z.string(), start_time: seconds, duration: seconds }).optional(),
})

function probe(bytes: Buffer): Probed {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-ffprobe-'))
  try {
    const file = join(folder, 'file')
    writeFileSync(file, bytes)
    const options = ['-v', 'quiet', '-of', 'json', '-show_format', '-show_streams', '-show_packets']
    const output = execFileSync('ffprobe', [...options, file], { encoding: 'utf8' })
    return toProbed(reportSchema.parse(JSON.parse(output)))
  } catch {
    return { kind: 'unreadable' }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function toProbed({ packets, streams, format }: z.infer<typeof reportSchema>): Probed {
  if (format === undefined || streams.length === 0) return { kind: 'unreadable' }
  const video = streams.find(({ codec_type, width }) => codec_type === 'video' && width > 0)
  if (video === undefined) return { kind: 'audio' }
  const end = packets
    // Edits discard the others.
    .filter(({ flags }) => !flags.includes('D'))
    .reduce(
      (max, { pts_time = 0, duration_time = 0 }) => Math.max(max, pts_time + duration_time),
      0,
    )
  // Timestamps of these containers start anywhere.
  const start = format.format_name.startsWith('mpeg') ? (format.start_time ?? 0) : 0
  const [across = 1, down = 1] = video.sample_aspect_ratio.split(':').map(Number)
  const width = Math.round(video.width * (across === 0 ? 1 : across / down))
  const isOnItsSide = video.side_data_list.some(({ rotation = 0 }) => Math.abs(rotation) === 90)
  return {
    kind: 'video',
    duration: toMilliseconds(end - start),
    stated: toMilliseconds(format.duration ?? 0),
    width: isOnItsSide ? video.height : width,
    height: isOnItsSide ? width : video.height,
  }
}

function toMilliseconds(value: number): number {
  return Math.round(value * 1000) / 1000
}
