/** `createUpload` and `createUploads`: the gateway chooses the protocol by the file. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { describeCreateUploads } from '../contracts/create-uploads.ts'
import { TEST_SECRET, callerOf, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  createUpload,
  createUploads,
  expectMinted,
  postFile,
  watchToEnd,
} from '../kit/operations.ts'
import { createSetup } from '../fast-path/setup.ts'

describe('createUpload', () => {
  it.each<[number, boolean, string]>([
    [1, true, 'CreateDirectUploadSuccess'],
    [200_000_000, true, 'CreateDirectUploadSuccess'],
    [200_000_001, true, 'CreateTusUploadSuccess'],
    [30_000_000_000, true, 'CreateTusUploadSuccess'],
    [1, false, 'CreateTusUploadSuccess'],
    [200_000_001, false, 'CreateTusUploadSuccess'],
    [0, true, 'InvalidInputError'],
    [0, false, 'InvalidInputError'],
    [30_000_000_001, true, 'InvalidInputError'],
  ])('of %i bytes, reliable connection %s, returns %s', async (sizeBytes, reliable, expected) => {
    const gateway = await startTestGateway()
    const outcome = await createUpload(gateway.as(), { sizeBytes, reliableConnection: reliable })
    expect(outcome.__typename).toBe(expected)
    const paths = 'issues' in outcome ? outcome.issues.map(({ path }) => path) : []
    expect(paths).toEqual(expected === 'InvalidInputError' ? [['sizeBytes']] : [])
  })

  it('creates an upload that becomes READY', async () => {
    const gateway = await startTestGateway()
    const file = testcardFile()
    const outcome = await createUpload(gateway.as(), { sizeBytes: file.size })
    const { uid, uploadURL } = expectMinted(outcome)
    expect(outcome).toMatchObject({ formField: 'file' })
    expect((await postFile(uploadURL, file)).status).toBe(200)
    expect((await watchToEnd(gateway.as(), uid)).at(-1)).toMatchObject({ status: 'READY' })
  })

  it('records the size of a tus upload, and the limit of a basic one', async () => {
    const gateway = await startTestGateway()
    for (const [reliableConnection, maxSizeBytes, totalBytes] of [
      [true, 200_000_000, null],
      [false, 5, 5],
    ]) {
      const outcome = await createUpload(gateway.as(), { sizeBytes: 5, reliableConnection })
      const { upload } = await gateway
        .as()
        .request(
          z.object({ upload: z.json() }),
          'query ($uid: ID!) { upload(uid: $uid) { constraints { maxSizeBytes } progress { totalBytes } } }',
          { uid: expectMinted(outcome).uid },
        )
      expect(upload).toEqual({ constraints: { maxSizeBytes }, progress: { totalBytes } })
    }
  })

  it('shares idempotency keys with the mutations of one protocol', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const basic = expectMinted(await createUpload(caller, { sizeBytes: 5, idempotencyKey: 'one' }))
    const tus = expectMinted(
      await createTusUpload(caller, { sizeBytes: 5, idempotencyKey: 'two', name: 'Video' }),
    )
    const requested = { sizeBytes: 5, idempotencyKey: 'two', reliableConnection: false }
    expect(expectMinted(await createDirectUpload(caller, { idempotencyKey: 'one' }))).toEqual(basic)
    expect(expectMinted(await createUpload(caller, { ...requested, name: 'Video' }))).toEqual(tus)
    for (const different of [
      await createUpload(caller, { ...requested, name: 'Another' }),
      await createUpload(caller, { ...requested, name: 'Video', reliableConnection: true }),
      await createUpload(caller, { ...requested, name: 'Video', sizeBytes: 6 }),
      await createTusUpload(caller, { sizeBytes: 5, idempotencyKey: 'one' }),
    ]) {
      expect(different).toMatchObject({ __typename: 'IdempotencyConflictError' })
    }
  })
})

describe('createUploads', () => {
  it('runs as printed in the recipes', async () => {
    const page = await readFile('src/graphql/recipes.md', 'utf8')
    const [, document = ''] = /^```graphql\n(mutation CreateUploads[^]*?)^```$/m.exec(page) ?? []
    const gateway = await startTestGateway()
    const inputs = [1_000, 250_000_000].map((sizeBytes) => ({ sizeBytes, maxDurationSeconds: 60 }))
    const { createUploads: outcomes } = await gateway
      .as()
      .request(z.object({ createUploads: z.array(z.looseObject({})) }), document, { inputs })
    expect(outcomes).toMatchObject([{ formField: 'file' }, { chunkSizeBytes: 52_428_800 }])
  })

  describeCreateUploads(async (variables) => {
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      CREATOR_QUOTA_MINUTES: '100',
      ...variables,
    })
    const token = await tokenFor('ada')
    return { callers: [gateway.as(token), gateway.as(token)], as: (other) => gateway.as(other) }
  })

  it.each([
    [0, '`inputs` is empty. Pass 1 to 20 inputs.'],
    [21, 'Too many `inputs` (limit: 20). Create the others by another call.'],
  ])('rejects %i inputs and creates nothing', async (count, message) => {
    const gateway = await startTestGateway()
    const inputs = Array.from({ length: count }, () => ({}))
    await expect(createUploads(gateway.as(), inputs)).rejects.toMatchObject({
      response: { errors: [{ message, extensions: { code: 'BAD_USER_INPUT' } }] },
    })
    expect((await gateway.emulator.state()).videos).toHaveLength(0)
  })

  it('rejects the 101st input of one operation', async () => {
    const gateway = await startTestGateway()
    const inputs = Array.from({ length: 20 }, () => ({ sizeBytes: 5, maxDurationSeconds: 60 }))
    const fields = Array.from(
      { length: 6 },
      (_, index) => `a${index}: createUploads(inputs: $inputs) { __typename }`,
    )
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: `mutation ($inputs: [CreateUploadInput!]!) { ${fields.join(' ')} }`,
        variables: { inputs },
      }),
    })
    expect(await response.json()).toMatchObject({
      data: null,
      errors: [{ path: ['a5'], extensions: { code: 'RESULT_TOO_LARGE' } }],
    })
    expect((await gateway.emulator.state()).videos).toHaveLength(100)
  })

  it('writes 20 reservations by one commit, and 20 uploads by another', async () => {
    const waiting: (() => void)[] = []
    const setup = await createSetup({
      auth: { kind: 'disabled' },
      // The gateway gets the 20 responses at the same time.
      stream: (stream) => ({
        ...stream,
        async createDirectUpload(params) {
          const minted = await stream.createDirectUpload(params)
          await new Promise<void>((resolve) => {
            waiting.push(resolve)
            if (waiting.length === 20) for (const respond of waiting) respond()
          })
          return minted
        },
      }),
    })
    const before = await countCommits(setup.databaseFile)
    const inputs = Array.from({ length: 20 }, () => ({}))
    const outcomes = await createUploads(callerOf(`${setup.fallback}/graphql`), inputs)
    expect(new Set(outcomes.map((outcome) => expectMinted(outcome).uid)).size).toBe(20)
    expect((await countCommits(setup.databaseFile)) - before).toBe(2)
  })
})

/** Bytes of the header of the write-ahead log, and of each frame. https://www.sqlite.org/fileformat2.html#walformat */
const WAL_HEADER = 32
const FRAME_HEADER = 24

/** Counts the transactions in the write-ahead log: the last frame of each has the size of the database. */
async function countCommits(databaseFile: string): Promise<number> {
  const wal = await readFile(`${databaseFile}-wal`)
  const pageBytes = wal.readUInt32BE(8)
  let commits = 0
  for (let at = WAL_HEADER; at + FRAME_HEADER <= wal.length; at += FRAME_HEADER + pageBytes) {
    if (wal.readUInt32BE(at + 4) !== 0) commits += 1
  }
  return commits
}
