// @ts-check
/** Chooses the tracks of a file that players can play from MP4 segments. */
import { EncodedPacketSink } from 'mediabunny'

/** Thrown for a file that cannot be remuxed. The message is the reason, as a clause of a sentence. */
export class Unplayable extends Error {}

/** Codecs that browsers play in MP4 segments; HEVC only with a decoder of the system. */
const VIDEO_CODECS = new Set(['avc', 'hevc', 'vp9', 'av1'])
const AUDIO_CODECS = new Set(['aac', 'opus', 'flac'])

/** Characters of a codec's name in the reason: the name is from the file. */
const MAX_CODEC_CHARACTERS = 100

/**
 * Returns the primary video track, and the primary audio track or null without one.
 * @param {import('mediabunny').Input} input
 */
export async function chooseTracks(input) {
  const video = await input.getPrimaryVideoTrack()
  if (video === null) throw new Unplayable('it has no video track')
  await requireCodec('video', video, VIDEO_CODECS)
  const primary = await input.getPrimaryAudioTrack()
  const audio =
    primary === null || (await new EncodedPacketSink(primary).getFirstPacket()) === null
      ? null
      : primary
  if (audio !== null) await requireCodec('audio', audio, AUDIO_CODECS)
  return { video, audio }
}

/** Maximum seconds of frames before zero. A longer part of the video that its edit list hides would play. */
const MAX_HIDDEN_SECONDS = 60

/**
 * Returns the timestamp that becomes zero in the segments. Audio before zero is the encoder's padding, so it
 * does not count; video before zero does, because later frames need it.
 * @param {import('mediabunny').InputVideoTrack} video
 * @param {import('mediabunny').InputAudioTrack | null} audio
 */
export async function firstTimestamp(video, audio) {
  const frame = await new EncodedPacketSink(video).getFirstKeyPacket({ verifyKeyPackets: true })
  if (frame === null) throw new Unplayable('it has no key frame')
  if (frame.timestamp < -MAX_HIDDEN_SECONDS) {
    throw new Unplayable('its edit list hides more than a minute after the first key frame')
  }
  if (audio === null || frame.timestamp < 0) return frame.timestamp
  const sound = await new EncodedPacketSink(audio).getFirstPacket()
  return Math.min(frame.timestamp, Math.max(0, sound?.timestamp ?? frame.timestamp))
}

/**
 * @param {string} kind
 * @param {import('mediabunny').InputTrack} track
 * @param {ReadonlySet<string>} playable
 */
async function requireCodec(kind, track, playable) {
  const codec = await track.getCodec()
  if (codec !== null && playable.has(codec)) return
  const id = codec ?? (await track.getInternalCodecId())
  const name = typeof id === 'string' ? id.slice(0, MAX_CODEC_CHARACTERS) : '(unknown)'
  throw new Unplayable(
    `browsers do not play its ${kind} codec ${name} in MP4 segments, and nothing is encoded`,
  )
}
