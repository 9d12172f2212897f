/** Player page, HLS playlist and DASH manifest of a ready video; all reference its one file. */
import type { MediaInfo } from '../media/media-info.ts'

/** Returns the player page as HTML. @param name null for a video without a name */
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

/** Returns a playlist with one segment: the whole file. https://www.rfc-editor.org/rfc/rfc8216 */
export function hlsPlaylist(media: MediaInfo): string {
  const seconds = media.durationSeconds ?? 0
  return [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(seconds))}`,
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXTINF:${seconds.toFixed(6)},`,
    '../video.mp4',
    '#EXT-X-ENDLIST',
    '',
  ].join('\n')
}

/** Returns a manifest with one period and one representation: the whole file. */
export function dashManifest(media: MediaInfo): string {
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

/** Escapes text for HTML and XML content and attributes. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`)
}
