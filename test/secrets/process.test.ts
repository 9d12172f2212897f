/** The process itself: what it writes at LOG_LEVEL=trace, and how it refuses to start. */
import Database from 'better-sqlite3'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import { startStubStream } from '../stream/stub-stream.ts'
import { apiToken, keptSecrets, password, secretVariables } from './test-secrets.ts'
import { eventsKnock, graphqlKnock } from './send-requests.ts'
import { DELETE, MINT_BASIC, MINT_TUS, STORAGE, WATCH } from './operations.ts'
import { type Build, type Run, addressOf, build, start } from '../kit/command.ts'
import { setupAt } from './setup.ts'
import { answerSecrets, streamFailures } from './stream-failures.ts'
import { createTranscript, type Transcript } from './transcript.ts'
import { knockAtDatabase, knockEverywhere, statusesIn } from './visit-endpoints.ts'

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

async function endAndNote(run: Run, transcript: Transcript): Promise<readonly string[]> {
  run.child.kill('SIGTERM')
  expect(await run.ended).toBe(0)
  transcript.note('standard output', run.stdout())
  transcript.note('standard error', run.stderr())
  return run.stdout().trim().split('\n')
}

describe('headgate serve', { timeout: 60_000 }, () => {
  it('writes no secret down, whatever comes to its doors, with a database and without', async () => {
    const emulator = await startTestEmulator({ accountId: 'account1', token: apiToken })
    const databaseFile = join(built.folder, 'doors.db')
    const run = serve(emulator.apiBaseUrl, databaseFile)
    const setup = await setupAt(await addressOf(run))
    const { tokens, transcript, door: endpoint } = setup
    const { ada, bob } = tokens
    const minted = await setup.mintBasic(ada)
    const others = [await setup.mintTus(bob), await setup.mintAtTusDoor(bob)]
    const events = endpoint.knock({
      ...eventsKnock('the life of an upload', ada.text, WATCH, { uid: minted.uid }),
      own: [minted.secret],
    })
    await postFile(minted.uploadURL, testcardFile())
    const { body } = await events
    expect(body).toContain('READY')
    await emulator.fault({ on: 'delete', status: 500 })
    for (const { uid } of others) {
      await endpoint.knock(graphqlKnock('a deletion', bob.text, DELETE, { uid }))
    }
    const answers = await knockEverywhere(setup, minted.uid)
    expect(statusesIn(answers)).not.toContain('500')

    new Database(databaseFile)
      .exec('alter table uploads rename to gone; alter table kept_notices rename to lost')
      .close()
    expect(statusesIn(await knockAtDatabase(setup, minted.uid))).toContain('500')
    const lines = await endAndNote(run, transcript)
    // It has written, and in lines of JSON: else there was nothing to search.
    expect(lines.length).toBeGreaterThan(200)
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) })
    expect(lines.filter((line) => line.includes('unexpected error')).length).toBeGreaterThan(10)
    expect(transcript.placesOf(minted.secret)).toContain('the life of an upload: 200')
    expect(transcript.leaks()).toEqual([])
  })

  it('writes nothing down of what Stream answers', async () => {
    let name = 'a 400'
    const stub = await startStubStream((response, request) =>
      streamFailures[name]?.(response, request),
    )
    const run = serve(stub.url, join(built.folder, 'answers.db'))
    const { tokens, transcript, door: endpoint } = await setupAt(await addressOf(run))
    for (const secret of answerSecrets) transcript.hide(secret)
    const { text } = tokens.ada
    const input = { maxDurationSeconds: 60 }
    // A 429 would have the gateway ask nothing more for a while.
    for (name of Object.keys(streamFailures).filter((failure) => !failure.includes('429'))) {
      await endpoint.knockAll([
        graphqlKnock(`a mint during ${name}`, text, MINT_BASIC, { input }),
        graphqlKnock(`a tus mint during ${name}`, text, MINT_TUS, {
          input: { ...input, sizeBytes: 9 },
        }),
        graphqlKnock(`the storage during ${name}`, text, STORAGE),
      ])
    }
    const lines = await endAndNote(run, transcript)
    expect(
      lines.filter((line) => line.includes('creating an upload at Stream failed')).length,
    ).toBeGreaterThan(40)
    expect(transcript.leaks()).toEqual([])
  })

  it('does not start as it is configured, and repeats no secret', async () => {
    const transcript = createTranscript(keptSecrets)
    const mistakes: readonly Record<string, string>[] = [
      { CLOUDFLARE_API_BASE_URL: `https://x:${password}@example.com` },
      { CLOUDFLARE_API_TOKEN: `${apiToken} ${password}` },
      { DATABASE_URL: `postgres://headgate:${password}@db.example.com/headgate` },
      { HOST: '192.0.2.1' },
    ]
    const runs = mistakes.map((mistake) =>
      start(built, ['serve'], {
        ...secretVariables,
        CLOUDFLARE_ACCOUNT_ID: 'account1',
        CLOUDFLARE_API_TOKEN: apiToken,
        DATABASE_URL: 'file::memory:',
        PORT: '0',
        ...mistake,
      }),
    )
    for (const [index, run] of runs.entries()) {
      const name = Object.keys(mistakes[index] ?? {}).join()
      expect(await run.ended).toBe(1)
      expect(run.stderr()).toMatch(/^headgate/)
      transcript.note(`standard output without ${name}`, run.stdout())
      transcript.note(`standard error without ${name}`, run.stderr())
    }
    expect(transcript.leaks()).toEqual([])
  })
})
