/** Measures the duration of a video file, where the platform can read it. */
import { readByMediabunny } from './mediabunny.ts'
import { readByVideoElement } from './video-element.ts'

/** Longest wait in milliseconds. A file that takes longer, such as one on a slow network drive, is not measured. */
const TIMEOUT_MS = 5000

/** Returns the duration in seconds; null if the file is no video that the platform can read. Never rejects. */
export async function measureDuration(file: Blob): Promise<number | null> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS)
  try {
    const seconds = await (typeof document === 'undefined'
      ? readByMediabunny(file, timeout.signal)
      : readByVideoElement(file, timeout.signal))
    return seconds !== null && Number.isFinite(seconds) && seconds > 0 ? seconds : null
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}
