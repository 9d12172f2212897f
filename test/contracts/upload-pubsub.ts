/** UploadPubSub contract, for adapters within one process or between many. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Subscription, Topic, UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { uploadOf } from '../kit/samples.ts'

/** An adapter that is ready to be used. */
export interface OpenedPubSub {
  readonly pubsub: UploadPubSub
  /** Saves the upload before it is published, for adapters that read uploads from a store. */
  record?(upload: Upload): Promise<void>
  /** Resolves when subscribers have received everything that was published. */
  delivered(): Promise<void>
  close?(): Promise<void>
}

const all: Topic = { of: 'all' }

/** Resolves once all subscriptions are ready. */
async function startAll(...subscriptions: Subscription[]): Promise<(() => void)[]> {
  await Promise.all(subscriptions.map(({ ready }) => ready))
  return subscriptions.map(({ stop }) => stop)
}

export function describeUploadPubSub(name: string, open: () => Promise<OpenedPubSub>): void {
  describe(`${name} fulfills the UploadPubSub contract`, () => {
    let opened: OpenedPubSub
    let pubsub: UploadPubSub

    beforeEach(async () => {
      opened = await open()
      ;({ pubsub } = opened)
    })
    afterEach(async () => {
      await opened.close?.()
    })

    /** Collects changes of a topic from now on, each as uid and version. */
    async function collect(topic: Topic): Promise<{ received: string[]; stop: () => void }> {
      const received: string[] = []
      const { ready, stop } = pubsub.subscribe(topic, ({ uid, version }) =>
        received.push(`${uid}${version}`),
      )
      await ready
      return { received, stop }
    }

    async function publish(...uploads: Partial<Upload>[]): Promise<void> {
      for (const upload of uploads.map(uploadOf)) {
        if (opened.record !== undefined) {
          // An adapter that reads from the store finds the newest version: deliver each before
          // saving the next.
          await opened.record(upload)
          pubsub.publish(upload)
          await opened.delivered()
        } else pubsub.publish(upload)
      }
      await opened.delivered()
    }

    test('delivers a change to subscribers of its upload, its creator and of all uploads', async () => {
      const topics: Topic[] = [
        { of: 'upload', uid: 'a' },
        { of: 'upload', uid: 'b' },
        { of: 'creator', creator: 'alice' },
        { of: 'creator', creator: 'bob' },
        all,
      ]
      const listeners = await Promise.all(topics.map(collect))
      await publish({ uid: 'a', creator: 'alice' }, { uid: 'b', creator: 'alice' })
      await publish({ uid: 'c', creator: 'bob' })
      expect(listeners.map(({ received }) => received)).toEqual([
        ['a1'],
        ['b1'],
        ['a1', 'b1'],
        ['c1'],
        ['a1', 'b1', 'c1'],
      ])
    })

    test('keeps topics with similar or special names apart', async () => {
      const topics: Topic[] = [
        { of: 'upload', uid: 'all' },
        { of: 'upload', uid: 'creator:alice' },
        { of: 'creator', creator: 'all' },
        { of: 'creator', creator: '' },
        { of: 'creator', creator: '__proto__' },
      ]
      const listeners = await Promise.all(topics.map(collect))
      await publish({ uid: 'alice', creator: 'alice' })
      expect(listeners.flatMap(({ received }) => received)).toEqual([])
      await publish({ uid: 'x', creator: '__proto__' }, { uid: 'y', creator: '' })
      expect(listeners.map(({ received }) => received)).toEqual([[], [], [], ['y1'], ['x1']])
    })

    test('delivers the complete upload as published', async () => {
      const received: Upload[] = []
      await startAll(pubsub.subscribe(all, (upload) => received.push(upload)))
      const upload = uploadOf({
        id: 'id-of-whole',
        uid: 'whole',
        name: 'Zoë 🎬',
        meta: { deep: [{ a: null }] },
        progress: { totalBytes: 30_000_000_000, receivedBytes: 1, encodingPercent: 39.5 },
      })
      await publish(upload)
      expect(received).toEqual([upload])
    })

    test('delivers changes in the order of publication', async () => {
      const { received } = await collect({ of: 'upload', uid: 'a' })
      const versions = Array.from({ length: 200 }, (_, index) => index + 1)
      await publish(...versions.map((version) => ({ uid: 'a', version })))
      expect(received).toEqual(versions.map((version) => `a${version}`))
    })

    test('delivers nothing that was published before the subscription', async () => {
      await publish({ uid: 'a', version: 1 })
      const { received } = await collect(all)
      await publish({ uid: 'a', version: 2 })
      expect(received).toEqual(['a2'])
    })

    test('delivers nothing after stop, which may be called twice', async () => {
      const [one, other] = [await collect(all), await collect(all)]
      await publish({ uid: 'a', version: 1 })
      one.stop()
      one.stop()
      await publish({ uid: 'a', version: 2 })
      expect(one.received).toEqual(['a1'])
      expect(other.received).toEqual(['a1', 'a2'])
      other.stop()
      await publish({ uid: 'a', version: 3 })
      expect((await collect(all)).received).toEqual([])
      expect(other.received).toEqual(['a1', 'a2'])
    })

    test('treats each subscription separately, also with the same listener', async () => {
      const received: number[] = []
      const listener = ({ version }: Upload): number => received.push(version)
      const [first, second] = await startAll(
        pubsub.subscribe(all, listener),
        pubsub.subscribe(all, listener),
      )
      await publish({ version: 1 })
      expect(received).toEqual([1, 1])
      first?.()
      first?.()
      await publish({ version: 2 })
      expect(received).toEqual([1, 1, 2])
      second?.()
      const [third] = await startAll(pubsub.subscribe(all, listener))
      second?.()
      await publish({ version: 3 })
      expect(received).toEqual([1, 1, 2, 3])
      third?.()
    })

    test('does not call a listener that was stopped during delivery', async () => {
      const received: string[] = []
      const stops: (() => void)[] = []
      for (const listener of ['first', 'second', 'third']) {
        const subscription = pubsub.subscribe(all, () => {
          received.push(listener)
          for (const stopAny of stops) stopAny()
        })
        stops.push(...(await startAll(subscription)))
      }
      await publish({ version: 1 })
      await publish({ version: 2 })
      expect(received).toHaveLength(1)
    })

    test('delivers to other subscribers when one stops itself during delivery', async () => {
      const received: string[] = []
      const { ready, stop } = pubsub.subscribe(all, () => {
        received.push('once')
        stop()
      })
      await ready
      const after = await collect(all)
      await publish({ uid: 'a', version: 1 })
      await publish({ uid: 'a', version: 2 })
      expect(received).toEqual(['once'])
      expect(after.received).toEqual(['a1', 'a2'])
    })

    test('delivers the next change to a subscription made during delivery', async () => {
      const received: number[] = []
      let later: Subscription | null = null
      const { ready, stop } = pubsub.subscribe(all, () => {
        stop()
        later = pubsub.subscribe(all, ({ version }) => received.push(version))
      })
      await ready
      await publish({ version: 1 })
      if (later !== null) await startAll(later)
      await publish({ version: 2 })
      expect(received).toEqual([2])
    })
  })
}
