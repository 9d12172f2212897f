/** Plays the only `<video>` of a page or frame, and seeks in it. */
import type { Frame, Page } from 'playwright-core'
import { expect } from 'vitest'

const VIDEO = `document.querySelector('video')`

/** Plays from the start, then from the middle. Expects the duration, a picture and sound. */
export async function playAndSeek(page: Page | Frame, seconds: number): Promise<void> {
  await page.waitForFunction(`${VIDEO}?.duration > 0`)
  expect(await page.evaluate(`${VIDEO}.duration`)).toBeCloseTo(seconds, 0)
  await playFrom(page, 0)
  await playFrom(page, seconds / 2 + 1)
  const decoded = await page.evaluate(`(({ videoWidth, webkitAudioDecodedByteCount }) =>
    ({ videoWidth, hasSound: webkitAudioDecodedByteCount > 0 }))(${VIDEO})`)
  expect(decoded).toEqual({ videoWidth: 640, hasSound: true })
}

async function playFrom(page: Page | Frame, seconds: number): Promise<void> {
  await page.evaluate(`((video) => {
    video.muted = true
    if (${seconds} > 0) video.currentTime = ${seconds}
    // It stays pending while nothing can be played.
    video.play().catch(() => undefined)
  })(${VIDEO})`)
  await page.waitForFunction(`((video) => {
    if (video.error !== null) throw new Error(video.error.message)
    return video.readyState >= 2 && !video.seeking && video.currentTime > ${seconds} + 0.2
  })(${VIDEO})`)
}
