/** What callbacks contain: the upload as GraphQL shows it to its creator, field by field, and as the JSON Schema says. */
import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifyCallback } from '../../src/callbacks/verify-callback.ts'
import { hasNoPackages, packagesHint } from '../browser/kit/frontend.ts'
import {
  CALLBACK_SECRETS,
  type ReceivedCallback,
  callbackVariables,
  startCallbackTarget,
} from '../kit/callback-target.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, deleteUpload, expectMinted, postFile } from '../kit/operations.ts'
import { standardVerifier } from '../kit/standard-webhooks.ts'
import { expectUpdated, updateUpload } from '../kit/update-upload.ts'
import { OMITTED, callbackSchema, fieldsOf, uploadType } from './payload-schema.ts'

/** A change of this file is a change of the public API; `npm run schema:print` updates it. */
it('is described by schema/callbacks.schema.json', async () => {
  const text = `${JSON.stringify(callbackSchema(), null, 2)}\n`
  await expect(text).toMatchFileSnapshot('../../schema/callbacks.schema.json')
})

it('omits only fields that the schema has', () => {
  const video = getNamedType(uploadType().getFields()['video']?.type)
  const types = [uploadType(), video].filter(isObjectType)
  const all = new Set(
    types.flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`)),
  )
  expect([...OMITTED].filter((coordinate) => !all.has(coordinate))).toEqual([])
})

/** Selects every field of a callback. */
function selectionOf(type: GraphQLObjectType): string {
  const fields = fieldsOf(type).map((field) => {
    const named = getNamedType(field.type)
    return isObjectType(named) ? `${field.name} ${selectionOf(named)}` : field.name
  })
  return `{ ${fields.join(' ')} }`
}

describe('the callbacks of an upload', () => {
  it.each([
    ['a public', {}],
    [
      'a private',
      {
        requireSignedURLs: true,
        allowedOrigins: ['app.example.com'],
        name: 'Ferien 🏔',
        meta: { album: 7, tags: ['a', null] },
      },
    ],
  ])('show %s video as a query of its creator does', async (_kind, input) => {
    const target = await startCallbackTarget()
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      ...callbackVariables(target),
    })
    const caller = gateway.as(await tokenFor('ada'))

    /** Compares the callback with the upload, which has not changed since. */
    async function expectShown({ payload }: ReceivedCallback): Promise<void> {
      const { upload } = await caller.request(
        z.object({ upload: z.looseObject({ updatedAt: z.string() }) }),
        `query ($uid: ID!) { upload(uid: $uid) ${selectionOf(uploadType())} }`,
        { uid: payload.data.uid },
      )
      expect(payload).toEqual({
        type: payload.type,
        timestamp: upload.updatedAt,
        data: upload,
      })
    }

    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller, input))
    await expectShown(await target.nth(1))
    expectUpdated(await updateUpload(caller, { uid, name: 'Renamed' }))
    await expectShown(await target.nth(2))
    await postFile(uploadURL, testcardFile())
    const ready = await target.first('upload.ready')
    expect(ready.payload.data).toMatchObject({ video: { durationSeconds: expect.any(Number) } })
    await expectShown(ready)
    await deleteUpload(caller, uid)
    await expectShown(await target.first('upload.deleted'))

    const published = z.fromJSONSchema(callbackSchema())
    for (const { id, payload, body, headers } of target.received) {
      expect(published.parse(payload)).toEqual(payload)
      expect(await verifyCallback(body, headers, CALLBACK_SECRETS[1])).toEqual({ id, ...payload })
      expect(body).not.toContain(JSON.stringify(uploadURL))
    }
  })

  it('fail with the reason', async () => {
    const target = await startCallbackTarget()
    const gateway = await startTestGateway(callbackVariables(target))
    const { uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    await postFile(uploadURL, new File(['no video'], 'a.mp4'))
    const { payload } = await target.first('upload.failed')
    expect(payload.data).toMatchObject({
      status: 'ERROR',
      failure: { code: 'ERR_NON_VIDEO', message: expect.any(String) },
    })
  })
})

describe.skipIf(hasNoPackages)(`standardwebhooks${packagesHint}`, () => {
  it('accepts callbacks by each of the secrets', async () => {
    const target = await startCallbackTarget()
    const gateway = await startTestGateway(callbackVariables(target))
    await createDirectUpload(gateway.as())
    const { body, headers, payload } = await target.nth(1)
    for (const secret of CALLBACK_SECRETS) {
      expect(standardVerifier(secret)(body, headers)).toEqual(payload)
    }
  })
})
