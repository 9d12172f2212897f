/** Duration of a selected video, read by the browser. */

const TIMEOUT_MS = 3000
const REVOKE_DELAY_MS = 10_000
/** Covers differences of a frame or two between encoders and browsers. */
const MARGIN_SECONDS = 2
/** Maximum duration that Stream accepts. */
const MAX_SECONDS = 36_000

/** Returns the seconds to reserve for a video: its duration plus a margin, rounded up to minutes. */
export function durationToReserve(seconds: number): number {
  return Math.min(Math.ceil((seconds + MARGIN_SECONDS) / 60) * 60, MAX_SECONDS)
}

/** Returns the duration in seconds; null if the browser cannot read it. */
export function readDuration(file: File): Promise<number | null> {
  const url = URL.createObjectURL(file)
  const video = document.createElement('video')
  return new Promise<number | null>((resolve) => {
    const end = (seconds: number | null): void => {
      clearTimeout(timer)
      video.removeAttribute('src')
      video.load()
      // The browser may still read: an early revocation would log an error.
      setTimeout(() => URL.revokeObjectURL(url), REVOKE_DELAY_MS)
      resolve(seconds)
    }
    const timer = setTimeout(() => end(null), TIMEOUT_MS)
    video.preload = 'metadata'
    video.addEventListener('error', () => end(null), { once: true })
    video.addEventListener(
      'loadedmetadata',
      () => end(Number.isFinite(video.duration) ? video.duration : null),
      { once: true },
    )
    video.src = url
  })
}
