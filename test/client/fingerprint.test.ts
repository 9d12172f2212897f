/** Whose upload of which file it is. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { uploadKey, creatorKeyPrefix } from '../../src/client/resume/fingerprint.ts'
import { uploadInputFrom } from '../../src/client/upload-input.ts'
import { tokenFor } from '../kit/gateway.ts'

const URL = 'https://uploads.example.com/graphql'

afterEach(() => vi.unstubAllGlobals())

describe('whose', () => {
  it('is told by the subject, whatever token it stands in, and never shown', async () => {
    const subject = fc.string({ minLength: 8, unit: 'grapheme' })
    await fc.assert(
      fc.asyncProperty(subject, subject, async (one, other) => {
        const prefix = await creatorKeyPrefix(URL, await tokenFor(one))
        expect(await creatorKeyPrefix(URL, await tokenFor(one, { jti: 'renewed' }))).toBe(prefix)
        const isSame = prefix === (await creatorKeyPrefix(URL, await tokenFor(other)))
        expect(isSame).toBe(one === other)
        expect(prefix).toMatch(/^headgate:[0-9a-f]{32}:$/)
      }),
      { numRuns: 30 },
    )
  })

  it.each([
    ['another gateway', 'https://other.example.com/graphql', null],
    ['a token that is no JWT', URL, 'opaque'],
    ['another token that is no JWT', URL, 'a.b.c'],
  ])('differs for %s', async (_case, url, token) => {
    expect(await creatorKeyPrefix(url, token)).not.toBe(await creatorKeyPrefix(URL, null))
  })
})

describe('which file', () => {
  const facts = { type: 'video/mp4', lastModified: 1 }
  const file = new File(['content'], 'a.mp4', facts)

  it.each([
    ['name', new File(['content'], 'b.mp4', facts)],
    ['date', new File(['content'], 'a.mp4', { ...facts, lastModified: 2 })],
    ['type', new File(['content'], 'a.mp4', { lastModified: 1 })],
    ['content of the same size', new File(['CONTENT'], 'a.mp4', facts)],
  ])('differs by %s', async (_fact, other) => {
    expect(await keyFor(other)).not.toBe(await keyFor(file))
  })

  it('is the same for the same file and terms, but for moments', async () => {
    const again = new File(['content'], 'a.mp4', facts)
    expect(await keyFor(again, { expiry: new Date() })).toBe(await keyFor(file))
    expect(await keyFor(again, { meta: { a: 1 } })).not.toBe(await keyFor(file))
  })

  it('is told by both ends of a file without a name', async () => {
    const large = new Uint8Array(300_000)
    const key = await keyFor(new Blob([large]))
    for (const at of [0, 299_999]) {
      const other = large.slice()
      other[at] = 1
      expect(await keyFor(new Blob([other]))).not.toBe(key)
    }
  })

  it('is not recognised where a page has no digests', async () => {
    const { crypto } = globalThis
    vi.stubGlobal('crypto', {
      getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes),
    })
    expect(await keyFor(file)).not.toBe(await keyFor(file))
  })
})

function keyFor(file: Blob, terms = {}): Promise<string> {
  return uploadKey('', file, uploadInputFrom(file, terms))
}
