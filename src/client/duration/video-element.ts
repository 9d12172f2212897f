/** Reads the duration of a video by a `<video>` element. */

/** The element may still read after it has its metadata: an earlier revocation would log an error. */
const REVOKE_DELAY_MS = 10_000

/** Returns the duration in seconds, Infinity if the file has none; null if the browser cannot read it, or on abort. */
export function readByVideoElement(file: Blob, signal: AbortSignal): Promise<number | null> {
  const url = URL.createObjectURL(file)
  const video = document.createElement('video')
  return new Promise((resolve) => {
    const end = (seconds: number | null): void => {
      video.removeAttribute('src')
      video.load()
      setTimeout(() => URL.revokeObjectURL(url), REVOKE_DELAY_MS)
      resolve(seconds)
    }
    const once = { once: true, signal }
    video.addEventListener('loadedmetadata', () => end(video.duration), once)
    video.addEventListener('error', () => end(null), once)
    // Without the option `signal`, which removes the listener before the event.
    signal.addEventListener('abort', () => end(null), { once: true })
    video.preload = 'metadata'
    video.src = url
  })
}
