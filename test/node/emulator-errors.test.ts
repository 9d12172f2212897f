/** Internal errors of the embedded emulator, in the gateway's log. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'

const minted = z.object({ createDirectUpload: z.object({ uploadURL: z.url() }) })

it('are logged', async () => {
  const gateway = await startTestGateway()
  const { createDirectUpload } = await gateway.as().request(
    minted,
    `mutation {
      createDirectUpload(input: { maxDurationSeconds: 60 }) {
        ... on CreateDirectUploadSuccess { uploadURL }
      }
    }`,
  )
  await rm(join(gateway.databaseFile, '../emulator'), { recursive: true })
  const body = new FormData()
  body.set('file', new Blob(['video']))
  const response = await fetch(createDirectUpload.uploadURL, { method: 'POST', body })
  expect(response.status).toBe(500)
  expect(gateway.logs).toContainEqual(
    expect.objectContaining({ level: 'error', message: 'the emulator failed' }),
  )
})
