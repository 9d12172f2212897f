/** StreamApi contract, for every adapter to Cloudflare Stream. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { describeVideos } from './stream-api-library.ts'
import { describeMinting } from './stream-api-minting.ts'
import { uploadParamsFor, unsupportedError, type Suite } from './stream-suite.ts'

/** An adapter that is connected to a Stream. */
export interface StartedStreamApi {
  readonly streamApi: StreamApi
  /** Whether the account belongs to this test alone. Its only webhook is changed only then. */
  readonly ownsAccount: boolean
  readonly close?: () => Promise<void>
}

/** Runs the suite, and deletes every video it has minted. */
export function describeStreamApi(name: string, start: () => Promise<StartedStreamApi>): void {
  describe(`${name} fulfills the StreamApi contract`, () => {
    let started: StartedStreamApi
    let streamApi: StreamApi
    const minted: string[] = []

    beforeAll(async () => {
      started = await start()
      ;({ streamApi } = started)
    })
    afterAll(async () => {
      for (const uid of minted) await streamApi.deleteVideo(uid)
      await started.close?.()
    })

    const suite: Suite = {
      streamApi: () => streamApi,
      async mint(params) {
        const video = await streamApi.createDirectUpload(params)
        minted.push(video.uid)
        return video
      },
      async mintTus(params) {
        const video = await streamApi.createTusUpload(params)
        minted.push(video.uid)
        return video
      },
    }

    describeMinting(suite)
    describeVideos(suite)

    describe('the webhook', () => {
      test('rejects with a message when the webhook is not supported', async ({ skip }) => {
        skip(streamApi.capabilities.webhook, 'this adapter supports the webhook')
        await expect(streamApi.findWebhook()).rejects.toMatchObject(unsupportedError)
        await expect(
          streamApi.setWebhook('https://one.example.com/webhooks/stream'),
        ).rejects.toMatchObject(unsupportedError)
        await expect(streamApi.deleteWebhook()).rejects.toMatchObject(unsupportedError)
      })

      test('is set, found, replaced with a new secret, and deleted', async ({ skip }) => {
        skip(!started.ownsAccount, 'the account does not belong to this test')
        skip(
          !streamApi.capabilities.webhook,
          'not supported by this adapter; covered by another test',
        )
        await streamApi.deleteWebhook()
        expect(await streamApi.findWebhook()).toBeNull()
        const first = await streamApi.setWebhook('https://one.example.com/webhooks/stream')
        expect(first.notificationURL).toBe('https://one.example.com/webhooks/stream')
        expect(first.secret).not.toBe('')
        expect(await streamApi.findWebhook()).toEqual(first)
        const second = await streamApi.setWebhook('https://other.example.com/webhooks/stream')
        expect(second.secret).not.toBe(first.secret)
        expect(await streamApi.findWebhook()).toEqual(second)
        expect(await streamApi.deleteWebhook()).toBe(true)
        expect(await streamApi.findWebhook()).toBeNull()
        expect(await streamApi.deleteWebhook()).toBe(false)
      })
    })

    describe('an abort by the caller', () => {
      test('rejects with the reason of the signal', async () => {
        const reason = new Error('the caller disconnected')
        const signal = AbortSignal.abort(reason)
        await expect(streamApi.findVideo('0'.repeat(32), signal)).rejects.toBe(reason)
        await expect(streamApi.listVideos({}, signal)).rejects.toBe(reason)
        await expect(streamApi.createDirectUpload(uploadParamsFor(null), signal)).rejects.toBe(
          reason,
        )
      })
    })
  })
}
