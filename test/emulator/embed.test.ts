/** The HTML that embeds a video's player. */
import { expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'

test('is an iframe with the player page', async () => {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  await stream.sendFile(uploadURL, testcardFile())
  const response = await stream.raw('GET', `/${uid}/embed`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const [, source = ''] = /^<iframe src="(.*?)"/.exec(await response.text()) ?? []
  const page = await fetch(source)
  expect(page.status).toBe(200)
  expect(await page.text()).toContain('<video')
})

test('does not exist for an unknown video', async () => {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  expect(await stream.call('GET', `/${'0'.repeat(32)}/embed`)).toMatchObject({
    status: 404,
    code: 10_003,
  })
  expect((await emulator.state()).requests).toMatchObject({ embed: 1 })
})
