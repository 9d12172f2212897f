/** What a received file is, read from its bytes: container, duration, size of the picture. */
import {
  EncodedPacketSink,
  FilePathSource,
  Input,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  UnsupportedInputFormatError,
  WEBM,
  type InputTrack,
} from 'mediabunny'
import { z } from 'zod'

import { MIN_DURATION_SECONDS } from './limits.ts'

export const mediaFactsSchema = z.object({
  /** MIME type of the container; null where it is none that we know. */
  contentType: z.string().nullable(),
  durationSeconds: z.number().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  /** Why processing will fail: one of Stream's error codes and a sentence. Null where it will not. */
  failure: z.object({ code: z.string(), text: z.string() }).nullable(),
})
/** Null members are not known, which Stream writes as -1. */
export type MediaFacts = z.infer<typeof mediaFactsSchema>

// Only containers of one file: a playlist would make the emulator open whatever paths it names.
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

const NON_VIDEO = {
  code: 'ERR_NON_VIDEO',
  text: 'The file was not recognized as a valid video file.',
}
const MALFORMED = {
  code: 'ERR_MALFORMED_VIDEO',
  text: 'The file is a video but it is damaged and cannot be read.',
}
const NOTHING = { contentType: null, durationSeconds: null, width: null, height: null }

/**
 * Reads headers, tables and the outermost packets, never the whole file. A file that is no video or
 * a damaged one is an answer (`failure`), not an error.
 * @param maxDurationSeconds the cap that the upload was minted with
 */
export async function readMediaFacts(
  path: string,
  maxDurationSeconds: number,
): Promise<MediaFacts> {
  const input = new Input({
    formats: CONTAINERS,
    source: new FilePathSource(path, { handleUnhandledError: () => undefined }),
  })
  try {
    if (!(await input.canRead())) return { ...NOTHING, failure: NON_VIDEO }
    const contentType = (await input.getFormat()).mimeType
    return await readTracks(input, contentType, maxDurationSeconds).catch((error: unknown) => {
      if (error instanceof UnsupportedInputFormatError) return { ...NOTHING, failure: NON_VIDEO }
      return { ...NOTHING, contentType, failure: MALFORMED }
    })
  } catch {
    // An empty file, for one, makes the reader throw before it has a format.
    return { ...NOTHING, failure: NON_VIDEO }
  } finally {
    input.dispose()
  }
}

async function readTracks(
  input: Input,
  contentType: string,
  maxDurationSeconds: number,
): Promise<MediaFacts> {
  const tracks = await input.getTracks()
  if (tracks.length === 0) return { ...NOTHING, contentType, failure: MALFORMED }
  const video = await input.getPrimaryVideoTrack()
  if (video === null) return { ...NOTHING, contentType, failure: NON_VIDEO }
  const whole = await Promise.all(tracks.map((track) => isWhole(track, track === video)))
  if (whole.includes(false)) return { ...NOTHING, contentType, failure: MALFORMED }

  const durationSeconds = await readDuration(input)
  const picture = {
    contentType,
    durationSeconds,
    width: await video.getDisplayWidth(),
    height: await video.getDisplayHeight(),
  }
  if (durationSeconds < MIN_DURATION_SECONDS) {
    return { ...picture, failure: tooShort() }
  }
  if (durationSeconds > maxDurationSeconds) {
    return { ...picture, failure: tooLong(durationSeconds, maxDurationSeconds) }
  }
  return { ...picture, failure: null }
}

/** A cut file still has its tables, but the packets that they point to are missing at its end. */
async function isWhole(track: InputTrack, mustHavePackets: boolean): Promise<boolean> {
  const packets = new EncodedPacketSink(track)
  if ((await packets.getFirstPacket()) === null) return !mustHavePackets
  return (await packets.getPacket(Number.POSITIVE_INFINITY)) !== null
}

async function readDuration(input: Input): Promise<number> {
  const stated = await input.getDurationFromMetadata()
  if (stated !== null) return toMicroseconds(stated)
  const end = await input.computeDuration()
  // A transport stream's time starts anywhere; other containers count from zero, as ffprobe does.
  const start = (await input.getFormat()) === MPEG_TS ? await input.getFirstTimestamp() : 0
  return toMicroseconds(end - start)
}

function toMicroseconds(seconds: number): number {
  return Math.round(seconds * 1_000_000) / 1_000_000
}

function tooShort(): { code: string; text: string } {
  return {
    code: 'ERR_DURATION_TOO_SHORT',
    text: `The video is shorter than the minimum of ${MIN_DURATION_SECONDS} seconds.`,
  }
}

function tooLong(seconds: number, cap: number): { code: string; text: string } {
  return {
    code: 'ERR_DURATION_EXCEED_CONSTRAINT',
    text: `The video lasts ${seconds} seconds, which exceeds maxDurationSeconds of ${cap}.`,
  }
}
