/** How many playback tokens are signed at the same time. */
import { exportJWK, generateKeyPair } from 'jose'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { createPlaybackSigner } from '../../src/stream/playback-signer.ts'
import { createPlaybackTokens } from '../../src/stream/playback-tokens.ts'
import { MAX_WAITING_SIGNATURES } from '../../src/uploads/ports/playback-tokens.ts'

const rsaKey = z.object({
  kty: z.literal('RSA'),
  n: z.string(),
  e: z.string(),
  d: z.string(),
  p: z.string(),
  q: z.string(),
  dp: z.string(),
  dq: z.string(),
  qi: z.string(),
})

it('signs the tokens of one caller one after the other, and those of others meanwhile', async () => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const signer = await createPlaybackSigner({
    id: 'key',
    jwk: rsaKey.parse(await exportJWK(privateKey)),
  })
  let running = 0
  let most = 0
  const tokens = createPlaybackTokens({
    sign: async (params, now) => {
      running += 1
      most = Math.max(most, running)
      try {
        return await signer(params, now)
      } finally {
        running -= 1
      }
    },
    stream: { createPlaybackToken: () => Promise.reject(new Error('Stream is not requested.')) },
    clock: { now: () => new Date() },
    inFlight: new Map(),
    signaturesInFlight: new Map(),
  })
  const signAll = (caller: string): readonly Promise<unknown>[] =>
    Array.from({ length: 20 }, (_, index) =>
      tokens.create({ uid: caller, ttlSeconds: 60 + index, downloadable: false }, caller),
    )

  await Promise.all(signAll('alice'))
  expect(most).toBe(1)
  const created = await Promise.all(['bob', 'carol', 'dave'].flatMap(signAll))
  expect(most).toBe(3)
  expect(new Set(created).size).toBe(60)

  const many = await Promise.all(
    Array.from({ length: MAX_WAITING_SIGNATURES + 1 }, (_, index) =>
      tokens.create({ uid: 'erin', ttlSeconds: 60 + index, downloadable: false }, 'erin'),
    ),
  )
  expect(many.filter((outcome) => outcome === 'busy')).toHaveLength(1)
  expect(many.at(-1)).toBe('busy')
  const later = { uid: 'erin', ttlSeconds: 9999, downloadable: false }
  expect(await tokens.create(later, 'erin')).toMatchObject({ token: expect.any(String) })
})
