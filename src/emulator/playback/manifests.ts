/** The page and the manifests of a ready video: small, valid, and true about the one file there is. */
import type { MediaFacts } from '../media/media-info.ts'

/** For a browser's address bar. @param name the video's name; null where it has none */
export function watchPage(uid: string, name: string | null): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(name ?? uid)}</title>
<style>
  body { margin: 0; background: #000; display: grid; place-items: center; min-height: 100vh }
  video { max-width: 100vw; max-height: 100vh }
</style>
<video controls playsinline src="/${uid}/video"></video>
</html>
`
}

/** One segment: the file itself. https://www.rfc-editor.org/rfc/rfc8216 */
export function hlsPlaylist(media: MediaFacts): string {
  const seconds = media.durationSeconds ?? 0
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(seconds))}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXTINF:${seconds.toFixed(6)},`,
    '../../video.mp4',
    '#EXT-X-ENDLIST',
    '',
  ].join('\n')
}

/** One period, one representation: the file itself. */
export function dashManifest(media: MediaFacts): string {
  const seconds = (media.durationSeconds ?? 0).toFixed(3)
  const type = escapeMarkup(media.contentType ?? 'video/mp4')
  return `<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT2S"
     profiles="urn:mpeg:dash:profile:full:2011" mediaPresentationDuration="PT${seconds}S">
  <Period>
    <AdaptationSet contentType="video" mimeType="${type}">
      <Representation id="source" bandwidth="1" width="${media.width ?? 0}" height="${media.height ?? 0}">
        <BaseURL>../video.mp4</BaseURL>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
`
}

/** For text inside HTML and XML, attributes too. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`)
}
