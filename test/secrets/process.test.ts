/** The `headgate serve` process: its output at LOG_LEVEL=trace and its failed starts contain no secret. */
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import { startStubStream } from '../stream/stub-stream.ts'
import { apiToken, gatewaySecrets, password, secretVariables } from './test-secrets.ts'
import { sseRequest, graphqlRequest } from './send-requests.ts'
import { DELETE, MINT_BASIC, MINT_TUS, STORAGE, UPDATE, WATCH } from './operations.ts'
import { type Build, type Run, addressOf, build, start } from '../kit/command.ts'
import { setupAt } from './setup.ts'
import { responseSecrets, streamFailures } from './stream-failures.ts'
import { createTranscript, type Transcript } from './transcript.ts'
import { requestDatabaseEndpoints, requestAllEndpoints, statusesIn } from './visit-endpoints.ts'

let built: Build
beforeAll(async () => {
  built = await build()
}, 60_000)
afterAll(() => built.remove())

function serve(apiBaseUrl: string, databaseFile: string): Run {
  return start(built, ['serve'], {
    ...secretVariables,
    CLOUDFLARE_ACCOUNT_ID: 'account1',
    CLOUDFLARE_API_TOKEN: apiToken,
    CLOUDFLARE_API_BASE_URL: apiBaseUrl,
    DATABASE_URL: `file:${databaseFile}`,
    LOG_LEVEL: 'trace',
    PORT: '0',
  })
}

async function endAndRecord(run: Run, transcript: Transcript): Promise<readonly string[]> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
  transcript.record('standard output', run.stdout())
  transcript.record('standard error', run.stderr())
  return run.stdout().trim().split('\n')
}

describe('headgate serve', { timeout: 60_000 }, () => {
  it('logs no secret for any request, with a working and with a broken database', async () => {
    const emulator = await startTestEmulator({ accountId: 'account1', token: apiToken })
    const databaseFile = join(built.folder, 'endpoints.db')
    const run = serve(emulator.apiBaseUrl, databaseFile)
    const setup = await setupAt(await addressOf(run))
    const { tokens, transcript, client } = setup
    const { ada, bob } = tokens
    const minted = await setup.mintBasic(ada)
    const bobsUploads = [await setup.mintTus(bob), await setup.mintAtTusEndpoint(bob)]
    const sseResponse = client.send({
      ...sseRequest('status changes of an upload', ada.text, WATCH, { uid: minted.uid }),
      own: [minted.secret],
    })
    await postFile(minted.uploadURL, testcardFile())
    await client.send({
      ...graphqlRequest('a change', ada.text, UPDATE, { input: { uid: minted.uid, name: 'a' } }),
      own: [minted.secret],
    })
    const { body } = await sseResponse
    expect(body).toContain('READY')
    await emulator.fault({ on: 'delete', status: 500 })
    for (const { uid } of bobsUploads) {
      await client.send(graphqlRequest('a deletion', bob.text, DELETE, { uid }))
    }
    const results = await requestAllEndpoints(setup, minted.uid)
    expect(statusesIn(results)).not.toContain('500')

    new Database(databaseFile)
      .exec('alter table uploads rename to gone; alter table kept_notices rename to lost')
      .close()
    expect(statusesIn(await requestDatabaseEndpoints(setup, minted.uid))).toContain('500')
    const lines = await endAndRecord(run, transcript)
    // Enough lines of JSON were written, so that the search for secrets means something.
    expect(lines.length).toBeGreaterThan(200)
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) })
    expect(lines.filter((line) => line.includes('unexpected error')).length).toBeGreaterThan(10)
    expect(transcript.placesOf(minted.secret)).toContain('status changes of an upload: 200')
    expect(transcript.leaks()).toEqual([])
  })

  it('logs nothing from response bodies of Stream', async () => {
    let name = 'a 400'
    const stub = await startStubStream((response, request) =>
      streamFailures[name]?.(response, request),
    )
    const run = serve(stub.url, join(built.folder, 'responses.db'))
    const { tokens, transcript, client } = await setupAt(await addressOf(run))
    for (const secret of responseSecrets) transcript.addSecret(secret)
    const { text } = tokens.ada
    const input = { maxDurationSeconds: 60 }
    // After a 429 the gateway sends no more requests for a while.
    for (name of Object.keys(streamFailures).filter((failure) => !failure.includes('429'))) {
      await client.sendAll([
        graphqlRequest(`a basic upload during ${name}`, text, MINT_BASIC, { input }),
        graphqlRequest(`a tus upload during ${name}`, text, MINT_TUS, {
          input: { ...input, sizeBytes: 9 },
        }),
        graphqlRequest(`the storage during ${name}`, text, STORAGE),
      ])
    }
    const lines = await endAndRecord(run, transcript)
    expect(
      lines.filter((line) => line.includes('creating an upload at Stream failed')).length,
    ).toBeGreaterThan(40)
    expect(transcript.leaks()).toEqual([])
  })

  it('exits with 1 for an invalid configuration and prints no secret', async () => {
    const transcript = createTranscript(gatewaySecrets)
    const invalidVariables: readonly Record<string, string>[] = [
      { CLOUDFLARE_API_BASE_URL: `https://x:${password}@example.com` },
      { CLOUDFLARE_API_TOKEN: `${apiToken} ${password}` },
      { DATABASE_URL: `postgres://headgate:${password}@db.example.com/headgate` },
      { HOST: '192.0.2.1' },
    ]
    const runs = invalidVariables.map((variables) =>
      start(built, ['serve'], {
        ...secretVariables,
        CLOUDFLARE_ACCOUNT_ID: 'account1',
        CLOUDFLARE_API_TOKEN: apiToken,
        DATABASE_URL: 'file::memory:',
        PORT: '0',
        ...variables,
      }),
    )
    for (const [index, run] of runs.entries()) {
      const name = Object.keys(invalidVariables[index] ?? {}).join()
      expect(await run.ended).toBe(1)
      expect(run.stderr()).toMatch(/^headgate/)
      transcript.record(`standard output with invalid ${name}`, run.stdout())
      transcript.record(`standard error with invalid ${name}`, run.stderr())
    }
    expect(transcript.leaks()).toEqual([])
  })
})
