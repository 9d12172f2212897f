/** What every way to Cloudflare Stream must keep, whatever it is made of: one suite for all. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { describeLibrary } from './stream-api-library.ts'
import { describeMinting } from './stream-api-minting.ts'
import { orderOf, refusedInWords, type Suite } from './stream-suite.ts'

/** A backend with a Stream behind it. */
export interface StartedBackend {
  readonly backend: StreamApi
  /** Whether the account is there for the test alone: only then is its one webhook touched. */
  readonly ownsAccount: boolean
  readonly close?: () => Promise<void>
}

/** Runs the suite; it deletes whatever it has minted. */
export function describeStreamBackend(name: string, start: () => Promise<StartedBackend>): void {
  describe(`${name} keeps the promises of a StreamBackend`, () => {
    let started: StartedBackend
    let backend: StreamApi
    const minted: string[] = []

    beforeAll(async () => {
      started = await start()
      ;({ backend } = started)
    })
    afterAll(async () => {
      for (const uid of minted) await backend.deleteVideo(uid)
      await started.close?.()
    })

    const suite: Suite = {
      backend: () => backend,
      async mint(order) {
        const video = await backend.createDirectUpload(order)
        minted.push(video.uid)
        return video
      },
      async mintTus(order) {
        const video = await backend.createTusUpload(order)
        minted.push(video.uid)
        return video
      },
    }

    describeMinting(suite)
    describeLibrary(suite)

    describe('the webhook', () => {
      test('is refused in words where the capabilities have none', async ({ skip }) => {
        skip(backend.capabilities.webhook, 'this backend looks after it')
        await expect(backend.findWebhook()).rejects.toMatchObject(refusedInWords)
        await expect(
          backend.setWebhook('https://one.example.com/webhooks/stream'),
        ).rejects.toMatchObject(refusedInWords)
        await expect(backend.deleteWebhook()).rejects.toMatchObject(refusedInWords)
      })

      test('is set, found, replaced with another secret, deleted, and then absent', async ({
        skip,
      }) => {
        skip(!started.ownsAccount, "the account is not the test's own")
        skip(!backend.capabilities.webhook, 'refused, as another test shows')
        await backend.deleteWebhook()
        expect(await backend.findWebhook()).toBeNull()
        const first = await backend.setWebhook('https://one.example.com/webhooks/stream')
        expect(first.notificationURL).toBe('https://one.example.com/webhooks/stream')
        expect(first.secret).not.toBe('')
        expect(await backend.findWebhook()).toEqual(first)
        const second = await backend.setWebhook('https://other.example.com/webhooks/stream')
        expect(second.secret).not.toBe(first.secret)
        expect(await backend.findWebhook()).toEqual(second)
        expect(await backend.deleteWebhook()).toBe(true)
        expect(await backend.findWebhook()).toBeNull()
        expect(await backend.deleteWebhook()).toBe(false)
      })
    })

    describe("a caller's own abort", () => {
      test('comes back as it is', async () => {
        const reason = new Error('the caller is gone')
        const signal = AbortSignal.abort(reason)
        await expect(backend.findVideo('0'.repeat(32), signal)).rejects.toBe(reason)
        await expect(backend.listVideos({}, signal)).rejects.toBe(reason)
        await expect(backend.createDirectUpload(orderOf(null), signal)).rejects.toBe(reason)
      })
    })
  })
}
