/** DASH manifest of a remuxed video (ISO/IEC 23009-1). */
import type { MediaInfo } from '../media/media-info.ts'
import {
  bandwidthOf,
  durationOf,
  segmentsOf,
  type Remuxed,
  type Rendition,
  type TrackName,
} from '../remux/rendition.ts'
import { escapeMarkup } from './player-page.ts'

/** Units per second of the segment timeline. */
const TIMESCALE = 1_000_000

/** Returns a static manifest with one representation per track. URLs are relative to `/{uid}/manifest/`. */
export function dashManifest(remuxed: Remuxed, media: MediaInfo): string {
  const { video, audio } = remuxed
  const size = ` width="${media.width ?? 0}" height="${media.height ?? 0}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT4S"
     profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT${durationOf(remuxed).toFixed(6)}S">
  <Period id="0" start="PT0S">
${adaptationSet('video', video, size)}${audio === null ? '' : adaptationSet('audio', audio, '')}  </Period>
</MPD>
`
}

function adaptationSet(track: TrackName, rendition: Rendition, attributes: string): string {
  const { peak } = bandwidthOf([rendition])
  const entries = segmentsOf(rendition).map(
    ({ start, seconds }) => `<S t="${units(start)}" d="${units(start + seconds) - units(start)}"/>`,
  )
  return `    <AdaptationSet contentType="${track}" mimeType="${track}/mp4" segmentAlignment="true" startWithSAP="1">
      <Representation id="${track}" codecs="${escapeMarkup(rendition.codec)}" bandwidth="${peak}"${attributes}>
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

function units(seconds: number): number {
  return Math.round(seconds * TIMESCALE)
}
