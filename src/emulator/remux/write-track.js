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

import { Unplayable } from './unplayable.js'

/** A segment ends at the first key frame after this many seconds, as at Stream. */
const SEGMENT_SECONDS = 4

/** Maximum bytes of a segment, which is held in memory. */
const MAX_SEGMENT_BYTES = 134_217_728

/** Ten hours have 9,000 segments of four seconds. */
const MAX_SEGMENTS = 20_000

/** Only the owner may access the files, as with received ones. */
const FILE_MODE = 0o600

/** @typedef {import('mediabunny').EncodedPacket} Packet */
/** @typedef {import('mediabunny').InputVideoTrack | import('mediabunny').InputAudioTrack} Track */

/**
 * @param {Track} track
 * @param {string} path of the new file
 * @param {number} origin timestamp that becomes zero
 * @param {{ bytes: number }} budget bytes that may be written; the written bytes are subtracted
 */
export async function writeTrack(track, path, origin, budget) {
  const codec = await track.getCodecParameterString()
  const writeSegment = await segmentWriter(track)
  const file = await open(path, 'w', FILE_MODE)
  try {
    /** @type {{ start: number, bytes: number }[]} */
    const segments = []
    let initBytes = 0
    let end = 0
    for await (const packets of groupPackets(track, origin)) {
      const { init, media } = await writeSegment(packets)
      if (segments.length === 0) {
        await file.writeFile(init)
        initBytes = init.byteLength
      }
      await file.writeFile(media)
      budget.bytes -= media.byteLength
      if (budget.bytes < 0 || segments.length === MAX_SEGMENTS) {
        throw new Unplayable('its packets take much more room than the file')
      }
      segments.push({ start: packets[0]?.timestamp ?? end, bytes: media.byteLength })
      end = packets.reduce((max, packet) => Math.max(max, packet.timestamp + packet.duration), end)
    }
    if (codec === null || segments.length === 0) throw new Unplayable('a track has no packets')
    return { codec, initBytes, segments, endSeconds: end }
  } finally {
    await file.close()
  }
}

/**
 * Yields the packets of each segment, in decoding order, with timestamps from zero.
 * @param {Track} track
 * @param {number} origin
 */
async function* groupPackets(track, origin) {
  const sink = new EncodedPacketSink(track)
  const options = { verifyKeyPackets: track.isVideoTrack() }
  /** @type {Packet[]} */
  let group = []
  let bytes = 0
  for (
    let packet = await sink.getFirstKeyPacket(options);
    packet !== null;
    packet = await sink.getNextPacket(packet, options)
  ) {
    // Half a millisecond of tolerance: containers round timestamps.
    const timestamp = packet.timestamp - origin
    if (track.isAudioTrack() && timestamp < -0.0005) continue
    const start = group[0]?.timestamp ?? timestamp
    if (packet.type === 'key' && timestamp - start >= SEGMENT_SECONDS) {
      yield withLastDuration(group, timestamp)
      group = []
      bytes = 0
    }
    bytes += packet.byteLength
    if (bytes > MAX_SEGMENT_BYTES) throw new Unplayable('its key frames are too far apart')
    group.push(packet.clone({ timestamp: Math.max(0, timestamp) }))
  }
  if (group.length > 0) yield group
}

/**
 * Gives the last packet a duration if the container has none, so that no gap follows the segment.
 * @param {Packet[]} group
 * @param {number} nextTimestamp
 */
function withLastDuration(group, nextTimestamp) {
  const last = group.at(-1)
  if (last === undefined || last.duration > 0) return group
  const duration = Math.max(0, nextTimestamp - last.timestamp)
  return [...group.slice(0, -1), last.clone({ duration })]
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
