/** What every carrier of changes must promise, within one process or between many: one suite. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Subscription, Topic, UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { uploadOf } from '../kit/samples.ts'

/** A carrier that is ready to be used. */
export interface OpenedEvents {
  readonly events: UploadPubSub
  /** Writes the upload down before it is published, where a carrier reads it from there. */
  record?(upload: Upload): Promise<void>
  /** Resolves when whoever listens has heard everything that was published. */
  delivered(): Promise<void>
  close?(): Promise<void>
}

const all: Topic = { of: 'all' }

/** Resolves once all of these listen. */
async function begin(...subscriptions: Subscription[]): Promise<(() => void)[]> {
  await Promise.all(subscriptions.map(({ ready }) => ready))
  return subscriptions.map(({ stop }) => stop)
}

export function describeUploadEvents(name: string, open: () => Promise<OpenedEvents>): void {
  describe(`${name} keeps the promises of UploadEvents`, () => {
    let opened: OpenedEvents
    let events: UploadPubSub

    beforeEach(async () => {
      opened = await open()
      ;({ events } = opened)
    })
    afterEach(async () => {
      await opened.close?.()
    })

    /** What is heard about a topic from now on, each as uid and version. */
    async function listen(topic: Topic): Promise<{ heard: string[]; stop: () => void }> {
      const heard: string[] = []
      const { ready, stop } = events.subscribe(topic, ({ uid, version }) =>
        heard.push(`${uid}${version}`),
      )
      await ready
      return { heard, stop }
    }

    async function publish(...uploads: Partial<Upload>[]): Promise<void> {
      for (const upload of uploads.map(uploadOf)) {
        if (opened.record !== undefined) {
          // Who reads what is written down finds the newest: each is heard before the next is written.
          await opened.record(upload)
          events.publish(upload)
          await opened.delivered()
        } else events.publish(upload)
      }
      await opened.delivered()
    }

    test('a change reaches those who listen to its upload, to its creator, or to all', async () => {
      const topics: Topic[] = [
        { of: 'upload', uid: 'a' },
        { of: 'upload', uid: 'b' },
        { of: 'creator', creator: 'alice' },
        { of: 'creator', creator: 'bob' },
        all,
      ]
      const listeners = await Promise.all(topics.map(listen))
      await publish({ uid: 'a', creator: 'alice' }, { uid: 'b', creator: 'alice' })
      await publish({ uid: 'c', creator: 'bob' })
      expect(listeners.map(({ heard }) => heard)).toEqual([
        ['a1'],
        ['b1'],
        ['a1', 'b1'],
        ['c1'],
        ['a1', 'b1', 'c1'],
      ])
    })

    test('names never get mixed up, whatever they look like', async () => {
      const topics: Topic[] = [
        { of: 'upload', uid: 'all' },
        { of: 'upload', uid: 'creator:alice' },
        { of: 'creator', creator: 'all' },
        { of: 'creator', creator: '' },
        { of: 'creator', creator: '__proto__' },
      ]
      const listeners = await Promise.all(topics.map(listen))
      await publish({ uid: 'alice', creator: 'alice' })
      expect(listeners.flatMap(({ heard }) => heard)).toEqual([])
      await publish({ uid: 'x', creator: '__proto__' }, { uid: 'y', creator: '' })
      expect(listeners.map(({ heard }) => heard)).toEqual([[], [], [], ['y1'], ['x1']])
    })

    test('the upload arrives whole, as it was published', async () => {
      const heard: Upload[] = []
      await begin(events.subscribe(all, (upload) => heard.push(upload)))
      const upload = uploadOf({
        id: 'id-of-whole',
        uid: 'whole',
        name: 'Zoë 🎬',
        meta: { deep: [{ a: null }] },
        progress: { totalBytes: 30_000_000_000, receivedBytes: 1, encodingPercent: 39.5 },
      })
      await publish(upload)
      expect(heard).toEqual([upload])
    })

    test('changes are heard in the order in which they were published', async () => {
      const { heard } = await listen({ of: 'upload', uid: 'a' })
      const versions = Array.from({ length: 200 }, (_, index) => index + 1)
      await publish(...versions.map((version) => ({ uid: 'a', version })))
      expect(heard).toEqual(versions.map((version) => `a${version}`))
    })

    test('nothing is kept: who comes later hears only what happens later', async () => {
      await publish({ uid: 'a', version: 1 })
      const { heard } = await listen(all)
      await publish({ uid: 'a', version: 2 })
      expect(heard).toEqual(['a2'])
    })

    test('who stops hears no more, and stopping twice is stopping once', async () => {
      const [one, other] = [await listen(all), await listen(all)]
      await publish({ uid: 'a', version: 1 })
      one.stop()
      one.stop()
      await publish({ uid: 'a', version: 2 })
      expect(one.heard).toEqual(['a1'])
      expect(other.heard).toEqual(['a1', 'a2'])
      other.stop()
      await publish({ uid: 'a', version: 3 })
      expect((await listen(all)).heard).toEqual([])
      expect(other.heard).toEqual(['a1', 'a2'])
    })

    test('each subscription is one of its own, even where the listener is the same', async () => {
      const heard: number[] = []
      const listener = ({ version }: Upload): number => heard.push(version)
      const [first, second] = await begin(
        events.subscribe(all, listener),
        events.subscribe(all, listener),
      )
      await publish({ version: 1 })
      expect(heard).toEqual([1, 1])
      first?.()
      first?.()
      await publish({ version: 2 })
      expect(heard).toEqual([1, 1, 2])
      second?.()
      const [third] = await begin(events.subscribe(all, listener))
      second?.()
      await publish({ version: 3 })
      expect(heard).toEqual([1, 1, 2, 3])
      third?.()
    })

    test('who stops while a change is delivered is not called any more', async () => {
      const heard: string[] = []
      const stops: (() => void)[] = []
      for (const listener of ['first', 'second', 'third']) {
        const subscription = events.subscribe(all, () => {
          heard.push(listener)
          for (const stopAny of stops) stopAny()
        })
        stops.push(...(await begin(subscription)))
      }
      await publish({ version: 1 })
      await publish({ version: 2 })
      expect(heard).toHaveLength(1)
    })

    test('who stops itself while a change is delivered takes it from nobody else', async () => {
      const heard: string[] = []
      const { ready, stop } = events.subscribe(all, () => {
        heard.push('once')
        stop()
      })
      await ready
      const after = await listen(all)
      await publish({ uid: 'a', version: 1 })
      await publish({ uid: 'a', version: 2 })
      expect(heard).toEqual(['once'])
      expect(after.heard).toEqual(['a1', 'a2'])
    })

    test('who begins while a change is delivered hears the next one', async () => {
      const heard: number[] = []
      let later: Subscription | null = null
      const { ready, stop } = events.subscribe(all, () => {
        stop()
        later = events.subscribe(all, ({ version }) => heard.push(version))
      })
      await ready
      await publish({ version: 1 })
      if (later !== null) await begin(later)
      await publish({ version: 2 })
      expect(heard).toEqual([2])
    })
  })
}
