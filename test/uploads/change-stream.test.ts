/** The queue of changes between the publisher and one reader. */
import { describe, expect, test, vi } from 'vitest'
import { createChangeStream } from '../../src/uploads/watch/change-stream.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { uploadOf } from '../kit/samples.ts'

const doneResult = { done: true, value: undefined }

function versionOf(version: number, uid = 'a'): Upload {
  return uploadOf({ uid, version })
}

function startQueue() {
  const onClose = vi.fn<() => void>()
  const stream = createChangeStream()
  stream.onClose(onClose)
  return { ...stream, onClose }
}

/** Reads the rest of the stream, each change as its uid and version. */
async function readAll(changes: AsyncIterable<Upload>): Promise<string[]> {
  const read: string[] = []
  for await (const { uid, version } of changes) read.push(`${uid}${version}`)
  return read
}

describe('reading', () => {
  test('returns changes in order, whether reads were requested before or after', async () => {
    const { put, changes } = startQueue()
    const waiting = changes.next()
    for (const version of [1, 2, 3]) put(versionOf(version))
    expect(await waiting).toEqual({ done: false, value: versionOf(1) })
    expect(await changes.next()).toEqual({ done: false, value: versionOf(2) })
    expect(await changes.next()).toEqual({ done: false, value: versionOf(3) })
  })

  test('gives each of several waiting reads its own change', async () => {
    const { put, end, changes } = startQueue()
    const reads = [changes.next(), changes.next(), changes.next()]
    put(versionOf(1))
    put(versionOf(2))
    end()
    expect(await Promise.all(reads)).toEqual([
      { done: false, value: versionOf(1) },
      { done: false, value: versionOf(2) },
      doneResult,
    ])
  })

  test('implements the async iterator protocol', async () => {
    const { put, end, changes } = startQueue()
    expect(changes[Symbol.asyncIterator]()).toBe(changes)
    for (const version of [1, 2]) put(versionOf(version))
    end()
    expect(await readAll(changes)).toEqual(['a1', 'a2'])
  })
})

describe('a slow reader', () => {
  test('costs no more per change when many uploads are queued', () => {
    const { put } = startQueue()
    for (let upload = 0; upload < 1000; upload += 1) put(versionOf(1, `${upload}`))
    const change = versionOf(2, '7')
    const startedAt = performance.now()
    for (let changes = 0; changes < 20_000; changes += 1) put(change)
    // A microsecond each; 50 if all queued changes were compared.
    expect(performance.now() - startedAt).toBeLessThan(400)
  })

  test('gets 32 changes one by one', async () => {
    const { put, end, changes } = startQueue()
    for (let version = 1; version <= 32; version += 1) put(versionOf(version))
    end()
    expect(await readAll(changes)).toHaveLength(32)
  })

  test('gets only the newest version when there are more', async () => {
    const { put, end, changes } = startQueue()
    for (let version = 1; version <= 1000; version += 1) put(versionOf(version))
    end()
    const read = await readAll(changes)
    expect(read.at(-1)).toBe('a1000')
    expect(read.length).toBeLessThanOrEqual(32)
  })

  test('gets the newest version of each upload, in the order of their latest change', async () => {
    const { put, end, changes } = startQueue()
    for (let version = 1; version <= 20; version += 1) put(versionOf(version, 'a'))
    for (let version = 1; version <= 12; version += 1) put(versionOf(version, 'b'))
    put(versionOf(21, 'a'))
    end()
    expect(await readAll(changes)).toEqual(['b12', 'a21'])
  })

  test('gets increasing versions of each upload', async () => {
    const { put, changes } = startQueue()
    let [versionA, versionB, seenA, seenB] = [0, 0, 0, 0]
    for (let round = 0; round < 500; round += 1) {
      for (let n = 0; n < round % 40; n += 1) {
        if (n % 3 === 0) put(versionOf((versionB += 1), 'b'))
        else put(versionOf((versionA += 1), 'a'))
      }
      if (round % 40 === 0) continue
      const { value } = await changes.next()
      if (value === undefined) throw new Error('The stream ended too early.')
      expect(value.version).toBeGreaterThan(value.uid === 'a' ? seenA : seenB)
      if (value.uid === 'a') seenA = value.version
      else seenB = value.version
    }
  })

  test('keeps up to 1,000 different uploads, and closes at the next', async () => {
    const { put, onClose, changes } = startQueue()
    for (let n = 1; n <= 1000; n += 1) put(versionOf(1, `u${n}-`))
    expect(onClose).not.toHaveBeenCalled()
    put(versionOf(1, 'one too many'))
    expect(onClose).toHaveBeenCalledOnce()
    expect(await changes.next()).toEqual(doneResult)
  })
})

describe('the end', () => {
  test('comes after all queued changes and closes once', async () => {
    const { put, end, onClose, changes } = startQueue()
    put(versionOf(1))
    put(versionOf(2))
    end()
    put(versionOf(3))
    expect(onClose).not.toHaveBeenCalled()
    expect(await readAll(changes)).toEqual(['a1', 'a2'])
    expect(await changes.next()).toEqual(doneResult)
    end()
    expect(onClose).toHaveBeenCalledOnce()
  })

  test('comes immediately when the queue is empty', async () => {
    const { end, onClose, changes } = startQueue()
    end()
    expect(onClose).toHaveBeenCalledOnce()
    expect(await changes.next()).toEqual(doneResult)
  })

  test('completes a waiting read', async () => {
    const { end, onClose, changes } = startQueue()
    const waiting = changes.next()
    end()
    expect(await waiting).toEqual(doneResult)
    expect(onClose).toHaveBeenCalledOnce()
  })
})

describe('an interruption', () => {
  test.each<[string, boolean, (stream: ReturnType<typeof startQueue>) => void]>([
    ['of an open stream is reported', true, ({ interrupt }) => interrupt()],
    ['by a close is reported', true, ({ close }) => close()],
    [
      'before the last change was read is reported',
      true,
      ({ put, end, close }) => {
        put(versionOf(1))
        end()
        close()
      },
    ],
    [
      'by too many uploads is reported',
      true,
      ({ put }) => {
        for (let n = 0; n <= 1000; n += 1) put(versionOf(1, `u${n}-`))
      },
    ],
    [
      'after the end is not reported',
      false,
      ({ end, interrupt, close }) => {
        end()
        interrupt()
        close()
      },
    ],
    ['is not an end', false, ({ end }) => end()],
  ])('%s', async (_what, isInterrupted, act) => {
    const stream = startQueue()
    act(stream)
    await readAll(stream.changes)
    expect(stream.changes.isInterrupted()).toBe(isInterrupted)
    expect(stream.onClose).toHaveBeenCalledOnce()
  })

  test('comes after all queued changes', async () => {
    const { put, interrupt, changes } = startQueue()
    put(versionOf(1))
    interrupt()
    put(versionOf(2))
    expect(await readAll(changes)).toEqual(['a1'])
  })
})

describe('a reader that returns', () => {
  test('closes the stream immediately and once, also while a read waits', async () => {
    const { put, end, onClose, changes } = startQueue()
    const waiting = changes.next()
    const returned = changes.return?.()
    expect(onClose).toHaveBeenCalledOnce()
    expect(await waiting).toEqual(doneResult)
    expect(await returned).toEqual(doneResult)
    put(versionOf(1))
    end()
    expect(await changes.next()).toEqual(doneResult)
    expect(await changes.return?.()).toEqual(doneResult)
    expect(onClose).toHaveBeenCalledOnce()
  })

  test('drops queued changes', async () => {
    const { put, onClose, changes } = startQueue()
    for (const version of [1, 2, 3]) put(versionOf(version))
    for await (const { version } of changes) {
      expect(version).toBe(1)
      break
    }
    expect(onClose).toHaveBeenCalledOnce()
    expect(await changes.next()).toEqual(doneResult)
  })

  test('can return after the end was requested', async () => {
    const { put, end, onClose, changes } = startQueue()
    put(versionOf(1))
    end()
    await changes.return?.()
    expect(onClose).toHaveBeenCalledOnce()
    expect(await changes.next()).toEqual(doneResult)
  })
})

test('calls an onClose callback immediately when the stream is closed', () => {
  const stream = createChangeStream()
  stream.close()
  const release = vi.fn<() => void>()
  stream.onClose(release)
  expect(release).toHaveBeenCalledOnce()
})
