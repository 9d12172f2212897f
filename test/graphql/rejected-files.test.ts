/** Files that Stream rejects at the one-time URL or after the upload, and the resulting status. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { damagedVideo, paddedTestcard, testcardFile, textFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
  postFile,
  storageUsage,
  watchToEnd,
} from '../kit/operations.ts'

describe('a file that is received and fails processing', () => {
  it.each([
    ['is no video', textFile(), 60, 'ERR_NON_VIDEO'],
    ['is damaged', damagedVideo(), 60, 'ERR_MALFORMED_VIDEO'],
    ['is longer than allowed', testcardFile(), 5, 'ERR_DURATION_EXCEED_CONSTRAINT'],
  ])('results in ERROR if it %s, and uses no storage', async (_case, file, seconds, code) => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(
      await createDirectUpload(caller, { maxDurationSeconds: seconds }),
    )
    expect((await postFile(uploadURL, file)).status).toBe(200)

    const last = (await watchToEnd(caller, uid)).at(-1)
    expect(last).toMatchObject({ status: 'ERROR', failure: { code } })
    expect(last?.failure?.message).toMatch(/\w/)
    expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 0, storedMinutes: 0 })
  })
})

describe('a one-time URL', () => {
  it('rejects a second file and keeps the first one', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    expect((await postFile(uploadURL, testcardFile())).status).toBe(200)
    const second = await postFile(uploadURL, testcardFile())
    expect(second.status).toBeGreaterThanOrEqual(400)
    expect(second.status).toBeLessThan(500)
    expect((await watchToEnd(caller, uid)).at(-1)?.status).toBe('READY')
  })

  it('rejects a file of 201 MB by POST', async () => {
    const gateway = await startTestGateway()
    const { uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    const response = await postFile(uploadURL, new File([paddedTestcard(201_000_000)], 'large.mp4'))
    expect(response.status).toBe(413)
  })

  it('rejects a tus chunk of 1 MB that is not the last one', async () => {
    const gateway = await startTestGateway()
    const { uploadURL } = expectMinted(
      await createTusUpload(gateway.as(), { sizeBytes: 12_000_000 }),
    )
    const response = await fetch(uploadURL, {
      method: 'PATCH',
      headers: {
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
      },
      body: new Uint8Array(1_048_576),
    })
    expect(response.status).toBe(400)
  })

  it('rejects files after its expiry, which sets EXPIRED and releases the reservation', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 1 })
    const watched = watchToEnd(caller, uid)

    await gateway.emulator.advanceClock(1801)
    const late = await postFile(uploadURL, testcardFile())
    expect(late.status).toBeGreaterThanOrEqual(400)
    expect(late.status).toBeLessThan(500)

    gateway.clock.advance(1810)
    expect((await watched).at(-1)).toMatchObject({ status: 'EXPIRED', video: null })
    expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 0, availableMinutes: 1000 })
    const result = await caller.request(
      z.object({ upload: z.object({ uploadURL: z.null() }) }),
      'query ($uid: ID!) { upload(uid: $uid) { uploadURL } }',
      { uid },
    )
    expect(result.upload.uploadURL).toBeNull()
  })
})

describe('a deleted upload', () => {
  it('rejects files and has its reservation released', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(
      await createDirectUpload(caller, { maxDurationSeconds: 36_000 }),
    )
    expect(await storageUsage(caller)).toMatchObject({
      limitMinutes: 1000,
      reservedMinutes: 600,
      availableMinutes: 400,
    })
    expect(await deleteUpload(caller, uid)).toMatchObject({
      __typename: 'DeleteUploadSuccess',
      upload: { status: 'DELETED', uploadURL: null },
    })
    expect((await postFile(uploadURL, testcardFile())).status).toBe(404)
    expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 0, availableMinutes: 1000 })
    expect((await gateway.emulator.state()).reservedSeconds).toBe(0)
  })

  it('is deleted once by 5 concurrent mutations', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => deleteUpload(caller, uid)))
    expect(outcomes.map((outcome) => outcome.__typename)).toEqual(
      Array.from({ length: 5 }, () => 'DeleteUploadSuccess'),
    )
    const { upload } = await caller.request(
      z.object({ upload: z.object({ version: z.number(), history: z.array(z.unknown()) }) }),
      'query ($uid: ID!) { upload(uid: $uid) { version history { status source } } }',
      { uid },
    )
    expect(upload).toEqual({
      version: 2,
      history: [
        { status: 'PENDING_UPLOAD', source: 'MUTATION' },
        { status: 'DELETED', source: 'MUTATION' },
      ],
    })
  })

  it('is detected if the video was deleted at Stream', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    // The first upload still exists at Stream, which shows that the account is the right one.
    expectMinted(await createDirectUpload(caller))
    const { uid } = expectMinted(await createDirectUpload(caller))
    const watched = watchToEnd(caller, uid)
    await fetch(`${gateway.emulator.apiBaseUrl}/accounts/local/stream/${uid}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer local-token' },
    })
    // A new video may be missing at Stream for a minute, so the gateway does not treat it as deleted.
    gateway.clock.advance(61)
    expect((await watched).at(-1)?.status).toBe('DELETED')
  })
})

describe('an account whose storage is used up', () => {
  it('rejects creations with QuotaExceededError in minutes', async () => {
    const gateway = await startTestGateway({ EMULATOR_STORAGE_MINUTES: '10' })
    const caller = gateway.as()
    expectMinted(await createDirectUpload(caller, { maxDurationSeconds: 540 }))
    const outcomes = [
      await createDirectUpload(caller, { maxDurationSeconds: 120 }),
      await createTusUpload(caller, { maxDurationSeconds: 120, sizeBytes: 5 }),
    ]
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ __typename: 'QuotaExceededError', requestedMinutes: 2 })
    }
    expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 9 })
  })
})
