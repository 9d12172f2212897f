/** Writes longer videos than the test card, in several containers, from its packets. */
import {
  ALL_FORMATS,
  BufferSource,
  BufferTarget,
  EncodedAudioPacketSource,
  EncodedPacketSink,
  EncodedVideoPacketSource,
  Input,
  MkvOutputFormat,
  MovOutputFormat,
  Mp4OutputFormat,
  MpegTsOutputFormat,
  Output,
  type InputTrack,
  type OutputFormat,
} from 'mediabunny'

import { testcard } from './media.ts'

/** Containers of `repeatTestcard`. */
export const CONTAINERS = ['mp4', 'fragmented mp4', 'mov', 'mkv', 'live mkv', 'ts'] as const
export type Container = (typeof CONTAINERS)[number]

export interface RepeatOptions {
  readonly container?: Container
  readonly hasAudio?: boolean
  /** Key frames from the second on count as others, so that the video has only one. */
  readonly oneKeyFrame?: boolean
}

/** The test card this many times in a row; each repetition begins with a key frame. */
export async function repeatTestcard(
  times: number,
  { container = 'mp4', hasAudio = true, oneKeyFrame = false }: RepeatOptions = {},
): Promise<File> {
  const input = new Input({ formats: ALL_FORMATS, source: new BufferSource(testcard.bytes) })
  const video = await input.getPrimaryVideoTrack()
  const audio = await input.getPrimaryAudioTrack()
  const target = new BufferTarget()
  const output = new Output({ format: formatOf(container), target })
  if (video === null || audio === null) throw new Error('The test card has no picture or sound.')
  const pictures = new EncodedVideoPacketSource('avc')
  const sounds = new EncodedAudioPacketSource('aac')
  output.addVideoTrack(pictures)
  if (hasAudio) output.addAudioTrack(sounds)
  await output.start()
  const pictureConfig = await video.getDecoderConfig()
  const soundConfig = await audio.getDecoderConfig()
  if (pictureConfig === null || soundConfig === null) throw new Error('No decoder configuration.')
  for (let time = 0; time < times; time += 1) {
    const offset = time * testcard.durationSeconds
    for await (const packet of packetsOf(video)) {
      const type = oneKeyFrame && time > 0 ? 'delta' : packet.type
      const moved = packet.clone({ timestamp: packet.timestamp + offset, type })
      await pictures.add(moved, { decoderConfig: pictureConfig })
    }
    if (!hasAudio) continue
    for await (const packet of packetsOf(audio)) {
      if (packet.timestamp < 0 || packet.timestamp >= testcard.durationSeconds) continue
      const moved = packet.clone({ timestamp: packet.timestamp + offset })
      await sounds.add(moved, { decoderConfig: soundConfig })
    }
  }
  await output.finalize()
  input.dispose()
  if (target.buffer === null) throw new Error('No video written.')
  return new File([target.buffer], `long.${container.split(' ').at(-1)}`)
}

function packetsOf(track: InputTrack) {
  return new EncodedPacketSink(track).packets()
}

function formatOf(container: Container): OutputFormat {
  switch (container) {
    case 'mp4':
      return new Mp4OutputFormat()
    case 'fragmented mp4':
      return new Mp4OutputFormat({ fastStart: 'fragmented' })
    case 'mov':
      return new MovOutputFormat()
    case 'mkv':
      return new MkvOutputFormat()
    case 'live mkv':
      return new MkvOutputFormat({ appendOnly: true })
    case 'ts':
      return new MpegTsOutputFormat()
  }
}
