/** HLS playlists of a remuxed video. https://www.rfc-editor.org/rfc/rfc8216 */
import type { MediaInfo } from '../media/media-info.ts'
import {
  bandwidthOf,
  segmentsOf,
  type Remuxed,
  type Rendition,
  type TrackName,
} from '../remux/rendition.ts'

/** Returns the multivariant playlist: one variant, with its sound as a rendition of its own, as at Stream. */
export function multivariantPlaylist({ video, audio }: Remuxed, media: MediaInfo): string {
  const { average, peak } = bandwidthOf(audio === null ? [video] : [video, audio])
  const codecs = audio === null ? video.codec : `${video.codec},${audio.codec}`
  const attributes = [
    `BANDWIDTH=${peak}`,
    `AVERAGE-BANDWIDTH=${average}`,
    `CODECS="${codecs}"`,
    `RESOLUTION=${media.width ?? 0}x${media.height ?? 0}`,
    ...(audio === null ? [] : ['AUDIO="audio"']),
  ]
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(audio === null
      ? []
      : [
          '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="original",DEFAULT=YES,AUTOSELECT=YES,URI="audio.m3u8"',
        ]),
    `#EXT-X-STREAM-INF:${attributes.join(',')}`,
    'stream.m3u8',
    '',
  ].join('\n')
}

/** Returns the playlist of one track. URLs are relative to `/{uid}/manifest/`. */
export function mediaPlaylist(track: TrackName, rendition: Rendition): string {
  const segments = segmentsOf(rendition)
  const longest = Math.max(...segments.map(({ seconds }) => seconds))
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:6',
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(longest))}`,
    '#EXT-X-MEDIA-SEQUENCE:1',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="../${track}/init.mp4"`,
    ...segments.flatMap(({ seconds }, index) => [
      `#EXTINF:${seconds.toFixed(6)},`,
      `../${track}/seg_${index + 1}.mp4`,
    ]),
    '#EXT-X-ENDLIST',
    '',
  ].join('\n')
}
