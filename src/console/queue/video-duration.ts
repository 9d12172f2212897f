/** How long the video in a chosen file lasts, as far as the browser can read it. */

const PATIENCE_MS = 3000
const STOPPED_MS = 10_000
/** Encoders and browsers differ by a frame or two. */
const MARGIN_SECONDS = 2
const MOST_SECONDS = 36_000

/**
 * What to reserve for it: its length and a margin, in whole minutes. Null where the browser cannot
 * tell, or the video is longer than any that Stream takes.
 */
export async function reservationFor(file: File): Promise<number | null> {
  const seconds = await readLength(file)
  if (seconds === null) return null
  const reserved = Math.ceil((seconds + MARGIN_SECONDS) / 60) * 60
  return reserved <= MOST_SECONDS ? reserved : null
}

function readLength(file: File): Promise<number | null> {
  const address = URL.createObjectURL(file)
  const video = document.createElement('video')
  return new Promise<number | null>((resolve) => {
    const end = (seconds: number | null): void => {
      clearTimeout(timer)
      video.removeAttribute('src')
      video.load()
      // It may still be reading: an address that is gone would be an error on the console.
      setTimeout(() => URL.revokeObjectURL(address), STOPPED_MS)
      resolve(seconds)
    }
    const timer = setTimeout(() => end(null), PATIENCE_MS)
    video.preload = 'metadata'
    video.addEventListener('error', () => end(null), { once: true })
    video.addEventListener(
      'loadedmetadata',
      () => end(Number.isFinite(video.duration) ? video.duration : null),
      { once: true },
    )
    video.src = address
  })
}
