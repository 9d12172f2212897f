/** The keys that identify a creator and a file in the resume store. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { digest } from '../../src/client/resume/digest.ts'
import { uploadKey, creatorKeyPrefix } from '../../src/client/resume/fingerprint.ts'
import { openBlob } from '../../src/client/sources/blob-file.ts'
import { uploadInputFrom } from '../../src/client/upload-input.ts'
import { tokenFor } from '../kit/gateway.ts'

const URL = 'https://uploads.example.com/graphql'

afterEach(() => vi.unstubAllGlobals())

describe('the key prefix of a creator', () => {
  it('depends only on the subject of the token and does not contain it', async () => {
    const subject = fc.string({ minLength: 8, unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(subject, subject, async (subjectA, subjectB) => {
        const prefix = await creatorKeyPrefix(URL, await tokenFor(subjectA))
        expect(await creatorKeyPrefix(URL, await tokenFor(subjectA, { jti: 'renewed' }))).toBe(
          prefix,
        )
        const isSame = prefix === (await creatorKeyPrefix(URL, await tokenFor(subjectB)))
        expect(isSame).toBe(subjectA === subjectB)
        expect(prefix).toMatch(/^headgate:[0-9a-f]{32}:$/)
      }),
      { numRuns: 30 },
    )
  })

  it.each([
    ['another gateway', 'https://other.example.com/graphql', null],
    ['a token that is not a JWT', URL, 'opaque'],
    ['another token that is not a JWT', URL, 'a.b.c'],
  ])('differs for %s', async (_case, url, token) => {
    expect(await creatorKeyPrefix(url, token)).not.toBe(await creatorKeyPrefix(URL, null))
  })
})

describe('the key of a file', () => {
  const properties = { type: 'video/mp4', lastModified: 1 }
  const file = new File(['content'], 'a.mp4', properties)

  it.each([
    ['name', new File(['content'], 'b.mp4', properties)],
    ['date', new File(['content'], 'a.mp4', { ...properties, lastModified: 2 })],
    ['type', new File(['content'], 'a.mp4', { lastModified: 1 })],
    ['content of the same size', new File(['CONTENT'], 'a.mp4', properties)],
  ])('differs when the %s differs', async (_property, other) => {
    expect(await keyFor(other)).not.toBe(await keyFor(file))
  })

  it('is the same for the same file and settings, ignoring dates', async () => {
    const again = new File(['content'], 'a.mp4', properties)
    expect(await keyFor(again, { expiry: new Date() })).toBe(await keyFor(file))
    expect(await keyFor(again, { meta: { a: 1 } })).not.toBe(await keyFor(file))
  })

  it('depends on the first and the last bytes of a file without a name', async () => {
    const large = new Uint8Array(300_000)
    const key = await keyFor(new Blob([large]))
    for (const index of [0, 299_999]) {
      const other = large.slice()
      other[index] = 1
      expect(await keyFor(new Blob([other]))).not.toBe(key)
    }
  })

  it.each([
    ['a page without TLS', { getRandomValues: crypto.getRandomValues.bind(crypto) }],
    ['React Native', undefined],
  ])('depends on the same things in %s, which has no crypto.subtle', async (_name, stub) => {
    vi.stubGlobal('crypto', stub)
    const key = await keyFor(file)
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(await keyFor(new File(['content'], 'a.mp4', properties))).toBe(key)
    expect(await keyFor(new File(['CONTENT'], 'a.mp4', properties))).not.toBe(key)
  })

  it('has no collision among 20,000 similar files without crypto.subtle', async () => {
    vi.stubGlobal('crypto', undefined)
    const keys = new Set<string>()
    for (let index = 0; index < 20_000; index += 1) {
      keys.add(await digest(Uint8Array.of(index, index >> 8, index >> 16)))
    }
    expect(keys.size).toBe(20_000)
  })
})

function keyFor(file: Blob, settings = {}): Promise<string> {
  const opened = openBlob(file)
  return uploadKey('', opened, uploadInputFrom(opened, settings))
}
