/** Player page of a ready video. */

/**
 * Returns the page as HTML. The browser plays the received file, or HLS if it does not play the file. The page
 * shows the text of the HLS response if the video has no segments.
 * @param uidOrToken first segment of the page's path
 * @param title name of the video, or its uid
 */
export function playerPage(uidOrToken: string, title: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeMarkup(title)}</title>
<link rel="icon" href="data:,">
<style>
  body { margin: 0; background: #000; color: #fff; display: grid; place-items: center; min-height: 100vh }
  video { max-width: 100vw; max-height: 100vh }
  p { margin: 1rem; max-width: 40rem; font: 1rem sans-serif }
</style>
<video controls playsinline>
  <source src="/${uidOrToken}/video">
  <source src="/${uidOrToken}/manifest/video.m3u8" type="application/vnd.apple.mpegurl">
</video>
<p role="status" hidden></p>
<script>
  fetch('/${uidOrToken}/manifest/video.m3u8').then(async (response) => {
    if (response.ok) return
    const status = document.querySelector('p')
    status.textContent = await response.text()
    status.hidden = false
  })
</script>
</html>
`
}

/** Escapes text for HTML and XML content and attributes. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`)
}
