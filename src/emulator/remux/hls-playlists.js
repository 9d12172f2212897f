// @ts-check
/** HLS playlists of a remuxed video. https://www.rfc-editor.org/rfc/rfc8216 */
import { bandwidthOf } from './bandwidth.js'

/** @typedef {import('./write-track.js').Rendition} Rendition */

/**
 * Returns the multivariant playlist: one variant, with its sound as a rendition of its own, as at Stream.
 * @param {Rendition} video
 * @param {Rendition | null} audio
 * @param {{ readonly width: number, readonly height: number }} size of the picture
 */
export function multivariantPlaylist(video, audio, { width, height }) {
  const { average, peak } = bandwidthOf(audio === null ? [video] : [video, audio])
  const codecs = audio === null ? video.codec : `${video.codec},${audio.codec}`
  const attributes = [
    `BANDWIDTH=${peak}`,
    `AVERAGE-BANDWIDTH=${average}`,
    `CODECS="${codecs}"`,
    `RESOLUTION=${width}x${height}`,
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

/**
 * Returns the playlist of one track. URLs are relative to `/{uid}/manifest/`.
 * @param {'video' | 'audio'} track
 * @param {Rendition} rendition
 */
export function mediaPlaylist(track, { segments }) {
  const longest = segments.reduce((max, { seconds }) => Math.max(max, seconds), 0)
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
