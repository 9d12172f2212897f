// @ts-check
/** DASH manifest of a remuxed video (ISO/IEC 23009-1). */
import { bandwidthOf, endOf } from './bandwidth.js'

/** @typedef {import('./write-track.js').Rendition} Rendition */

/** Units per second of the segment timeline. */
const TIMESCALE = 1_000_000

/**
 * Returns a static manifest with one representation per track. URLs are relative to `/{uid}/manifest/`.
 * @param {Rendition} video
 * @param {Rendition | null} audio
 * @param {{ readonly width: number, readonly height: number }} size of the picture
 */
export function dashManifest(video, audio, { width, height }) {
  const seconds = Math.max(endOf(video.segments), endOf(audio?.segments ?? []))
  const size = ` width="${width}" height="${height}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT4S"
     profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT${seconds.toFixed(6)}S">
  <Period id="0" start="PT0S">
${adaptationSet('video', video, size)}${audio === null ? '' : adaptationSet('audio', audio, '')}  </Period>
</MPD>
`
}

/**
 * @param {'video' | 'audio'} track
 * @param {Rendition} rendition
 * @param {string} attributes of the representation
 */
function adaptationSet(track, rendition, attributes) {
  const { peak } = bandwidthOf([rendition])
  const entries = rendition.segments.map(
    ({ start, seconds }) => `<S t="${units(start)}" d="${units(start + seconds) - units(start)}"/>`,
  )
  return `    <AdaptationSet contentType="${track}" mimeType="${track}/mp4" segmentAlignment="true" startWithSAP="1">
      <Representation id="${track}" codecs="${rendition.codec}" bandwidth="${peak}"${attributes}>
        <SegmentTemplate timescale="${TIMESCALE}" startNumber="1"
            initialization="../${track}/init.mp4" media="../${track}/seg_$Number$.mp4">
          <SegmentTimeline>
            ${entries.join('\n            ')}
          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
`
}

/** @param {number} seconds */
function units(seconds) {
  return Math.round(seconds * TIMESCALE)
}
