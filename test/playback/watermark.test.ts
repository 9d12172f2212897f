/** WATERMARK_UID: Stream gets the watermark profile with every upload, of both protocols. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { writePng } from '../emulator/kit/png.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { type Caller, TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, createTusUpload, expectMinted } from '../kit/operations.ts'

const watermarked = z.looseObject({ watermark: z.looseObject({ uid: z.string() }).nullable() })

async function start(watermarkUid?: string) {
  const emulator = await startTestEmulator({ accountId: 'account1' })
  const stream = createStreamClient(emulator)
  const form = new FormData()
  form.set('file', new Blob([writePng(720, 240)]))
  const response = await stream.raw('POST', '/watermarks', { body: form })
  const { result } = z
    .looseObject({ result: z.looseObject({ uid: z.string() }) })
    .parse(await response.json())
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
    CLOUDFLARE_API_TOKEN: emulator.token,
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    WATERMARK_UID: watermarkUid ?? result.uid,
  })
  const token = await tokenFor('ada')
  const watermarkOf = async (uid: string) =>
    watermarked.parse((await stream.call('GET', `/${uid}`)).result).watermark?.uid
  return { gateway, token, profile: result.uid, watermarkOf }
}

function createAtTus(url: string, token: string, metadata: string): Promise<Response> {
  return fetch(`${url}/tus`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'tus-resumable': '1.0.0',
      'upload-length': '1000',
      'upload-metadata': metadata,
    },
  })
}

it('puts the watermark on every upload', async () => {
  const { gateway, token, profile, watermarkOf } = await start()
  const ada = gateway.as(token)
  const created = await createAtTus(gateway.url, token, `name ${btoa('x.mp4')}`)
  const uids = [
    expectMinted(await createDirectUpload(ada)).uid,
    expectMinted(await createTusUpload(ada, { sizeBytes: 1000 })).uid,
    created.headers.get('stream-media-id') ?? '',
  ]
  expect(await Promise.all(uids.map(watermarkOf))).toEqual([profile, profile, profile])
})

it('puts the watermark of the token on every upload of its caller', async () => {
  const { gateway, token: plain, profile, watermarkOf } = await start('0'.repeat(32))
  const token = await tokenFor('ada', { headgate: { watermark: profile } })
  const ada = gateway.as(token)
  const created = await createAtTus(gateway.url, token, `name ${btoa('x.mp4')}`)
  const uids = [
    expectMinted(await createDirectUpload(ada)).uid,
    expectMinted(await createTusUpload(ada, { sizeBytes: 1000 })).uid,
    created.headers.get('stream-media-id') ?? '',
  ]
  expect(await Promise.all(uids.map(watermarkOf))).toEqual([profile, profile, profile])
  // Other tokens keep that of the gateway, which does not exist here.
  expect(await createDirectUpload(gateway.as(plain))).toMatchObject({ code: 'STREAM_REJECTED' })
})

it('does not let the client of /tus choose another watermark', async () => {
  const { gateway, token } = await start()
  const response = await createAtTus(gateway.url, token, `watermark ${btoa('f'.repeat(32))}`)
  expect(response.status).toBe(400)
  expect(await response.text()).toContain('watermark')
})

it('fails as a creation that Stream rejected, with a profile that does not exist', async () => {
  const { gateway, token } = await start('0'.repeat(32))
  const caller: Caller = gateway.as(token)
  for (const outcome of [
    await createDirectUpload(caller),
    await createTusUpload(caller, { sizeBytes: 1000 }),
  ]) {
    expect(outcome).toMatchObject({ __typename: 'StreamError', code: 'STREAM_REJECTED' })
  }
})
