/** What a remuxed video has: one file per track, cut into segments. Stored as JSON beside the files. */
import { z } from 'zod'

/** Names of tracks, which are in the URLs of their segments. */
export const TRACKS = ['video', 'audio'] as const
export type TrackName = (typeof TRACKS)[number]

const segmentSchema = z.object({
  /** Timestamp of the first packet in seconds. */
  start: z.number().min(0),
  bytes: z.int().positive(),
})

const trackSchema = z.object({
  /** RFC 6381, such as `avc1.64001f`. */
  codec: z.string(),
  /** Size of the initialization segment, which is the start of the track's file. */
  initBytes: z.int().positive(),
  segments: z.array(segmentSchema).min(1),
  /** Timestamp at which the last packet ends. */
  endSeconds: z.number().positive(),
})
/** One track; its segments follow each other in its file. */
export type Rendition = z.infer<typeof trackSchema>

export const remuxResultSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('remuxed'), video: trackSchema, audio: trackSchema.nullable() }),
  /** The reason is a clause of a sentence. */
  z.object({ kind: z.literal('unplayable'), reason: z.string() }),
])
/** Segments of a video, or the reason why there are none. */
export type RemuxResult = z.infer<typeof remuxResultSchema>
export type Remuxed = Extract<RemuxResult, { kind: 'remuxed' }>

/** A segment with its place in the track's file and its duration. */
export interface Segment {
  readonly offset: number
  readonly bytes: number
  readonly start: number
  readonly seconds: number
}

/** Returns the media segments of a track, in order. */
export function segmentsOf({ initBytes, segments, endSeconds }: Rendition): Segment[] {
  let offset = initBytes
  return segments.map(({ start, bytes }, index) => {
    const end = segments[index + 1]?.start ?? endSeconds
    const segment = { offset, bytes, start, seconds: Math.max(0, end - start) }
    offset += bytes
    return segment
  })
}

/** Returns the duration of the longest track in seconds. */
export function durationOf({ video, audio }: Remuxed): number {
  return Math.max(video.endSeconds, audio?.endSeconds ?? 0)
}

/** Returns the average and the highest bits per second of the tracks together, both at least 1. */
export function bandwidthOf(tracks: readonly Rendition[]): { average: number; peak: number } {
  let [average, peak] = [1, 1]
  for (const track of tracks) {
    const segments = segmentsOf(track)
    const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
    average += (bytes * 8) / track.endSeconds
    // Segments shorter than a second, such as the last one, would give arbitrarily high rates.
    peak += segments.reduce(
      (max, segment) => Math.max(max, (segment.bytes * 8) / Math.max(1, segment.seconds)),
      0,
    )
  }
  return { average: Math.ceil(average), peak: Math.ceil(peak) }
}
