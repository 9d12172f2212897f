// @ts-check
/** Writes one track as a file of an initialization segment and media segments (CMAF, ISO/IEC 23000-19). */
import { open } from 'node:fs/promises'

import {
  BufferTarget,
  CmafOutputFormat,
  EncodedAudioPacketSource,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Output,
} from 'mediabunny'

import { Unplayable } from './choose-tracks.js'

/** A segment ends at the first key frame after this many seconds, as at Stream. */
const SEGMENT_SECONDS = 4

/** A shorter last segment becomes a part of the segment before it. */
const MIN_LAST_SECONDS = 1

/** Containers and floating-point numbers round timestamps. */
const TOLERANCE_SECONDS = 0.0005

/** Maximum bytes of a segment. Two are in memory, with one that is written. */
const MAX_SEGMENT_BYTES = 67_108_864

/**
 * Packets that begin later than this after the video's end are left out. A frame that is shown after the end can be
 * in the middle of the packets, because frames before the end refer to it.
 */
const MAX_OVERRUN_SECONDS = 0.5

/** Codec strings of RFC 6381 that manifests can contain without escapes. */
const CODEC = /^[\w.+-]+$/

/** Only the owner may access the files, as with received ones. */
const FILE_MODE = 0o600

/** @typedef {import('mediabunny').EncodedPacket} Packet */
/** @typedef {import('mediabunny').InputVideoTrack | import('mediabunny').InputAudioTrack} Track */

/**
 * @typedef {{ start: number, seconds: number, bytes: number }} Segment `start` is the timestamp of the first packet
 * in seconds.
 * @typedef {{ codec: string, initBytes: number, segments: readonly Segment[] }} Rendition A track's file: the
 * initialization segment, then the media segments. `codec` is a string of RFC 6381, such as `avc1.64001f`.
 * @typedef {{ origin: number, durationSeconds: number }} Timeline `origin` is the timestamp that becomes zero.
 */

/**
 * @param {Track} track
 * @param {string} path of the new file
 * @param {Timeline} timeline
 * @param {{ bytes: number }} budget bytes that may be written; the written bytes are subtracted
 * @returns {Promise<Rendition>}
 */
export async function writeTrack(track, path, timeline, budget) {
  const codec = await track.getCodecParameterString()
  if (codec === null || !CODEC.test(codec)) throw new Unplayable('a codec is unknown')
  const writeSegment = await segmentWriter(track)
  const file = await open(path, 'w', FILE_MODE)
  try {
    /** @type {{ start: number, bytes: number }[]} */
    const segments = []
    let initBytes = 0
    let end = 0
    for await (const packets of groupPackets(track, timeline)) {
      const { init, media } = await writeSegment(packets)
      const isFirst = segments.length === 0
      if (isFirst) initBytes = init.byteLength
      budget.bytes -= media.byteLength + (isFirst ? initBytes : 0)
      if (budget.bytes < 0) throw new Unplayable('its packets take much more room than the file')
      if (isFirst) await file.writeFile(init)
      await file.writeFile(media)
      segments.push({ start: packets[0]?.timestamp ?? end, bytes: media.byteLength })
      end = packets.reduce((max, packet) => Math.max(max, packet.timestamp + packet.duration), end)
    }
    if (segments.length === 0) throw new Unplayable('a track has no packets')
    return { codec, initBytes, segments: withSeconds(segments, end) }
  } finally {
    await file.close()
  }
}

/**
 * Adds the duration of each segment, which ends at the start of the next one.
 * @param {readonly { start: number, bytes: number }[]} segments
 * @param {number} end of the last segment
 */
function withSeconds(segments, end) {
  return segments.map(({ start, bytes }, index) => {
    const next = segments[index + 1]?.start ?? end
    return { start, seconds: Math.max(0, next - start), bytes }
  })
}

/**
 * Yields the packets of each segment, in decoding order, with timestamps from zero.
 * @param {Track} track
 * @param {Timeline} timeline
 */
async function* groupPackets(track, { origin, durationSeconds }) {
  const sink = new EncodedPacketSink(track)
  const options = { verifyKeyPackets: track.isVideoTrack() }
  // The duration does not include the frames before zero that later frames need.
  const lastTimestamp = Math.max(0, origin) + durationSeconds + MAX_OVERRUN_SECONDS
  /** @type {Packet[]} */
  let complete = []
  /** @type {Packet[]} */
  let group = []
  let bytes = 0
  for (
    let packet = await sink.getFirstKeyPacket(options);
    packet !== null && packet.timestamp < lastTimestamp;
    packet = await sink.getNextPacket(packet, options)
  ) {
    const end = Math.min(packet.timestamp + packet.duration, lastTimestamp) - origin
    const timestamp = Math.max(0, packet.timestamp - origin)
    // Padding of the sound, or pictures that need a key frame before the first one.
    if (packet.timestamp < origin && end < TOLERANCE_SECONDS) continue
    const start = group[0]?.timestamp ?? timestamp
    if (packet.type === 'key' && timestamp - start >= SEGMENT_SECONDS - TOLERANCE_SECONDS) {
      if (complete.length > 0) yield complete
      complete = withLastDuration(group, timestamp)
      group = []
      bytes = 0
    }
    bytes += packet.byteLength
    if (bytes > MAX_SEGMENT_BYTES) throw new Unplayable('its key frames are too far apart')
    group.push(packet.clone({ timestamp, duration: Math.max(0, end - timestamp) }))
  }
  yield* lastSegments(complete, withLastDuration(group))
}

/**
 * Yields the last two segments, as one if the last is short: players skip a segment without duration.
 * @param {Packet[]} previous
 * @param {Packet[]} last
 */
function* lastSegments(previous, last) {
  const seconds = (last.at(-1)?.timestamp ?? 0) - (last[0]?.timestamp ?? 0)
  const segments = seconds < MIN_LAST_SECONDS ? [[...previous, ...last]] : [previous, last]
  yield* segments.filter((segment) => segment.length > 0)
}

/**
 * Gives the last packet a duration if the container has none, so that no gap follows the segment.
 * @param {Packet[]} group
 * @param {number} [nextTimestamp] if omitted, the last packet lasts as long as the packet before it
 */
function withLastDuration(group, nextTimestamp) {
  const [before, last] = group.slice(-2)
  if (before === undefined || last === undefined || last.duration > 0) return group
  const end = nextTimestamp ?? last.timestamp + before.duration
  return [...group.slice(0, -1), last.clone({ duration: Math.max(0, end - last.timestamp) })]
}

/** @param {Track} track */
async function segmentWriter(track) {
  if (track.isVideoTrack()) {
    const codec = await track.getCodec()
    const rotation = await track.getRotation()
    const decoderConfig = await track.getDecoderConfig()
    if (codec === null || decoderConfig === null) throw new Unplayable('its video codec is unknown')
    return (/** @type {Packet[]} */ packets) =>
      writeCmaf(async (output) => {
        const source = new EncodedVideoPacketSource(codec)
        output.addVideoTrack(source, { rotation })
        await output.start()
        for (const packet of packets) await source.add(packet, { decoderConfig })
      })
  }
  const codec = await track.getCodec()
  const decoderConfig = await track.getDecoderConfig()
  if (codec === null || decoderConfig === null) throw new Unplayable('its audio codec is unknown')
  return (/** @type {Packet[]} */ packets) =>
    writeCmaf(async (output) => {
      const source = new EncodedAudioPacketSource(codec)
      output.addAudioTrack(source)
      await output.start()
      for (const packet of packets) await source.add(packet, { decoderConfig })
    })
}

/** @param {(output: Output) => Promise<void>} write */
async function writeCmaf(write) {
  const target = new BufferTarget()
  const initTarget = new BufferTarget()
  const output = new Output({ format: new CmafOutputFormat(), target, initTarget })
  await write(output)
  await output.finalize()
  if (target.buffer === null || initTarget.buffer === null) throw new Error('No segment written.')
  return { init: new Uint8Array(initTarget.buffer), media: new Uint8Array(target.buffer) }
}
