/** The console in a real browser, from the choice of a file until its video plays. */
import { expect, it } from 'vitest'
import { describeInChromium } from './kit/chromium.ts'
import {
  choose,
  openConsole,
  saveScreenshot,
  rowOf,
  playVideo,
  waitForState,
  limitUploadRate,
  useBuiltConsole,
  videoFile,
} from './kit/console.ts'

const LARGE_BYTES = 210_000_000

describeInChromium('the console', () => {
  const built = useBuiltConsole()

  it('uploads a small file with one POST, plays it, and deletes it', async () => {
    const slowEncoding = { EMULATOR_ENCODE_MS: '1500' }
    const { page, gateway, errors, origins } = await openConsole(built.folder(), slowEncoding)
    await page.getByText('No uploads yet.').waitFor()
    await choose(page, await videoFile('lake.mp4'))
    await rowOf(page, 'lake.mp4').getByText('POST: The file is at most 200 MB').waitFor()
    await rowOf(page, 'lake.mp4')
      .getByText(/^Encoding \d+ %$/)
      .waitFor()
    await saveScreenshot(page, 'encoding')
    await waitForState(page, 'lake.mp4', 'Ready')
    await playVideo(page, 'lake.mp4')
    await page.keyboard.press('Escape')
    const { requests, videos } = await gateway.emulator.state()
    expect(videos).toMatchObject([{ kind: 'basic', state: 'ready', maxDurationSeconds: 7 }])
    expect(requests['tus_create']).toBe(0)
    expect([...origins].toSorted()).toEqual([gateway.url, gateway.emulator.url].toSorted())
    await page.locator('.storage').getByText('0.1 minutes').waitFor()
    await saveScreenshot(page, 'ready')

    await page.getByRole('button', { name: 'Delete lake.mp4' }).click()
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('No uploads yet.').waitFor()
    await expect.poll(async () => (await gateway.emulator.state()).videos).toEqual([])
    expect(errors).toEqual([])
  })

  it('resumes a large file after a reload without sending the first half again', async () => {
    const { page, gateway, errors } = await openConsole(built.folder())
    const path = await videoFile('holidays.mp4', LARGE_BYTES)
    const offsets: number[] = []
    page.on('request', (request) => {
      const offset = request.method() === 'PATCH' ? request.headers()['upload-offset'] : undefined
      if (offset !== undefined) offsets.push(Number(offset))
    })
    const received = async () => (await gateway.emulator.state()).videos[0]?.receivedBytes ?? 0

    await limitUploadRate(page, 80_000_000)
    await choose(page, path)
    await rowOf(page, 'holidays.mp4').getByText('tus: Files over 200 MB').waitFor()
    await expect.poll(received, { timeout: 10_000, interval: 50 }).toBeGreaterThan(LARGE_BYTES / 2)
    await saveScreenshot(page, 'uploading')
    await page.reload()
    const half = await received()
    expect(half).toBeLessThan(LARGE_BYTES)

    await waitForState(page, 'holidays.mp4', 'Interrupted')
    await saveScreenshot(page, 'interrupted')
    offsets.length = 0
    await limitUploadRate(page, -1)
    const row = rowOf(page, 'holidays.mp4')
    await row.locator('input[type=file]').setInputFiles(path)
    await waitForState(page, 'holidays.mp4', 'Ready')
    expect(offsets[0]).toBeGreaterThanOrEqual(LARGE_BYTES / 2)
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    const { videos, requests } = await gateway.emulator.state()
    expect(videos).toMatchObject([{ kind: 'tus', state: 'ready', receivedBytes: LARGE_BYTES }])
    expect(requests['tus_create']).toBe(1)
    await playVideo(page, 'holidays.mp4')
    expect(errors).toEqual([])
  })

  it('uploads several files concurrently, pauses one upload and cancels another', async () => {
    const { page, gateway, errors } = await openConsole(built.folder())
    const names = ['one.mp4', 'two.mp4', 'three.mp4', 'four.mp4']
    const paths = await Promise.all(names.map((name, index) => videoFile(name, 8_000_000 + index)))
    await limitUploadRate(page, 2_000_000)
    await choose(page, ...paths)
    for (const name of ['one.mp4', 'two.mp4', 'three.mp4'])
      await waitForState(page, name, 'Uploading')
    await waitForState(page, 'four.mp4', 'Waiting')
    await saveScreenshot(page, 'several')

    await page.getByRole('button', { name: 'Pause one.mp4' }).click()
    await waitForState(page, 'one.mp4', 'Paused')
    // The pause frees a slot for the waiting upload.
    await waitForState(page, 'four.mp4', 'Uploading')
    await page.getByRole('button', { name: 'Cancel two.mp4' }).click()
    await rowOf(page, 'two.mp4').waitFor({ state: 'detached' })
    await limitUploadRate(page, -1)
    for (const name of ['three.mp4', 'four.mp4']) await waitForState(page, name, 'Ready')
    await page.getByRole('button', { name: 'Resume one.mp4' }).click()
    await waitForState(page, 'one.mp4', 'Ready')

    const state = await gateway.emulator.state()
    expect(state.videos.map((video) => [video.meta['name'], video.state])).toEqual(
      expect.arrayContaining([
        ['one.mp4', 'ready'],
        ['three.mp4', 'ready'],
        ['four.mp4', 'ready'],
      ]),
    )
    expect(state.videos).toHaveLength(3)
    expect(state.reservedSeconds).toBe(0)
    await page.reload()
    for (const name of ['one.mp4', 'three.mp4', 'four.mp4']) await waitForState(page, name, 'Ready')
    expect(await page.locator('.row').count()).toBe(3)
    expect(errors).toEqual([])
  })
})
