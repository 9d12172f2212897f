/** `headgate callbacks` next to a running gateway, and `headgate doctor --callbacks`. */
import { describe, expect, it, vi } from 'vitest'
import {
  listCallbacks,
  printListSql,
  replayCallbacks,
  testCallback,
} from '../../src/commands/callbacks.ts'
import { runDoctor } from '../../src/commands/doctor/doctor.ts'
import { verifyCallback } from '../../src/callbacks/verify-callback.ts'
import {
  CALLBACK_SECRETS,
  type CallbackTarget,
  callbackVariables,
  startCallbackTarget,
  status,
} from '../kit/callback-target.ts'
import { type TestGateway, restartTestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, deleteUpload, expectMinted } from '../kit/operations.ts'

/** Runs a command with these variables; returns its exit code and the output of both streams. */
async function run(
  variables: Readonly<Record<string, string>>,
  command: () => Promise<number>,
): Promise<{ readonly code: number; readonly output: string }> {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
  let output = ''
  const collect = (text: string | Uint8Array): boolean => {
    output += String(text)
    return true
  }
  const streams = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation(collect),
  )
  try {
    return { code: await command(), output }
  } finally {
    for (const stream of streams) stream.mockRestore()
    vi.unstubAllEnvs()
  }
}

const databaseOf = ({ databaseFile }: TestGateway) => ({ DATABASE_URL: `file:${databaseFile}` })
const origin = ({ url }: CallbackTarget): string => new URL(url).origin

/** A gateway with an upload whose first callback the target does not want: a dead letter. */
async function startWithDeadLetter() {
  const target = await startCallbackTarget()
  target.respond(status(410))
  const gateway = await startTestGateway(callbackVariables(target))
  const { uid } = expectMinted(await createDirectUpload(gateway.as()))
  const [dead] = await target.waitFor(1)
  await vi.waitFor(async () => {
    const { output } = await run(databaseOf(gateway), () => listCallbacks(true))
    expect(output).toContain(dead?.id)
  })
  return { target, gateway, uid, id: dead?.id ?? '' }
}

describe('headgate callbacks', () => {
  it('prints the SQL for D1 without a database', async () => {
    const nowhere = { DATABASE_URL: 'file:/nowhere/headgate.db' }
    const list = await run(nowhere, async () => printListSql(true))
    expect(list).toEqual({ code: 0, output: expect.stringMatching(/^select .* = 'dead' .*;\n$/) })
    const replay = await run(nowhere, () => replayCallbacks({ id: "a'b", sql: true }))
    expect(replay.code).toBe(0)
    expect(replay.output.split(';\n')).toEqual([
      expect.stringMatching(/^update .* = 'a''b'/),
      expect.stringMatching(/^update /),
      expect.stringMatching(/^update /),
      '',
    ])
    expect(replay.output).not.toContain('?')
    expect((await run(nowhere, () => replayCallbacks({ sql: true }))).code).toBe(1)
  })

  it('lists dead letters, without the path of its target', async () => {
    const { target, gateway, id } = await startWithDeadLetter()
    const { code, output } = await run(databaseOf(gateway), () => listCallbacks(true))
    expect(code).toBe(0)
    expect(output).toMatch(
      new RegExp(
        `^${id} {2}upload.created {3}\\S+Z {2}${origin(target)} {2}attempts 1 {2}dead since \\S+Z {2}The target responded with status 410\\.\\n$`,
      ),
    )
    const waiting = await run(databaseOf(gateway), () => listCallbacks(false))
    expect(waiting).toEqual({ code: 0, output: 'No callback waits.\n' })
  })

  it('lists what waits, in order', async () => {
    const target = await startCallbackTarget()
    target.respond(status(500))
    const gateway = await startTestGateway(callbackVariables(target))
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    await target.waitFor(1)
    await deleteUpload(gateway.as(), uid)
    const { output } = await run(databaseOf(gateway), () => listCallbacks(false))
    const lines = output.trimEnd().split('\n')
    expect(lines).toEqual([
      expect.stringMatching(/upload.created .* next \S+Z/),
      expect.stringMatching(/upload.deleted .* {2}attempts 0 {2}after an earlier one/),
    ])
    const dead = await run(databaseOf(gateway), () => listCallbacks(true))
    expect(dead.output).toBe('No dead letter.\n')
  })

  it('replays dead letters, with the same id', async () => {
    const { target, gateway, id } = await startWithDeadLetter()
    target.respond(status(204))
    const replayed = await run(databaseOf(gateway), () => replayCallbacks({ dead: true }))
    expect(replayed).toEqual({
      code: 0,
      output: '1 callback is sent again, with the same ids, by the running gateway.\n',
    })
    const received = await target.waitFor(2)
    expect(received.map((callback) => callback.id)).toEqual([id, id])
  })

  it('replays one callback, and all since a time', async () => {
    const { target, gateway, uid, id } = await startWithDeadLetter()
    target.respond(status(204))
    await deleteUpload(gateway.as(), uid)
    await target.waitFor(2)
    expect((await run(databaseOf(gateway), () => replayCallbacks({ id }))).code).toBe(0)
    await target.waitFor(3)
    await gateway.stop()
    const since = new Date(Date.now() - 60_000).toISOString()
    const replayed = await run(databaseOf(gateway), () => replayCallbacks({ since }))
    expect(replayed.output).toMatch(/^2 callbacks are sent again/)
    await restartTestGateway(gateway, callbackVariables(target))
    const received = await target.waitFor(5)
    expect(received.slice(3).map(({ payload }) => payload.type)).toEqual([
      'upload.created',
      'upload.deleted',
    ])
  })

  it.each([
    [{}, 'replay takes exactly one of an id, --dead and --since.'],
    [{ id: 'x', dead: true }, 'replay takes exactly one of an id, --dead and --since.'],
    [{ since: 'yesterday' }, '--since must be an RFC 3339 date-time'],
  ])('rejects the options %j', async (options, message) => {
    expect(await run({}, () => replayCallbacks(options))).toEqual({
      code: 1,
      output: expect.stringContaining(message),
    })
  })

  it('says that an id is unknown, and that there is no database', async () => {
    const gateway = await startTestGateway()
    expect(await run(databaseOf(gateway), () => replayCallbacks({ id: 'x' }))).toEqual({
      code: 1,
      output: expect.stringContaining('callbacks list --dead'),
    })
    const missing = { DATABASE_URL: 'file:/nowhere/headgate.db' }
    await expect(run(missing, () => listCallbacks(false))).rejects.toThrow(
      'No database at /nowhere/headgate.db. Set DATABASE_URL.',
    )
  })
})

describe('a test callback', () => {
  it('is signed, and the response is printed without control characters', async () => {
    const target = await startCallbackTarget()
    target.respond((response) => response.writeHead(202).end('thanks\u001b[31m'))
    const { code, output } = await run(callbackVariables(target), () => testCallback(target.url))
    expect([code, output]).toEqual([
      0,
      'The target accepted the callback (status 202).\nthanks\\u001b[31m\n',
    ])
    const [callback] = await target.waitFor(1)
    expect(callback?.payload).toMatchObject({
      type: 'upload.updated',
      data: { uid: '0'.repeat(32), meta: { test: true } },
    })
    await verifyCallback(callback?.body ?? '', callback?.headers ?? {}, CALLBACK_SECRETS.join())
  })

  it('that is rejected exits 1', async () => {
    const target = await startCallbackTarget()
    target.respond(status(401))
    const result = await run(callbackVariables(target), () => testCallback(target.url))
    expect(result).toEqual({
      code: 1,
      output: 'headgate: The target responded with status 401.\n',
    })
  })

  it('needs a URL and the variables', async () => {
    expect(await run(callbackVariables('https://a.example'), () => testCallback('a'))).toEqual({
      code: 1,
      output: expect.stringContaining('must be an http(s) URL'),
    })
    expect(await run({}, () => testCallback('https://a.example.com'))).toEqual({
      code: 1,
      output: expect.stringContaining('Set CALLBACK_URLS and CALLBACK_SECRET.'),
    })
  })

  it('is sent to each target by `doctor --callbacks`, which says what is wrong', async () => {
    const [good, bad] = [await startCallbackTarget(), await startCallbackTarget()]
    bad.respond(status(401))
    const gone = await startCallbackTarget()
    await gone.close()
    const variables = {
      DATABASE_URL: 'file:/nowhere/headgate.db',
      ...callbackVariables(good, bad, gone),
    }
    const quiet = await run({}, () => runDoctor(variables))
    expect(quiet.output).toContain(
      `ok  Callbacks      sent to ${origin(good)}, ${origin(bad)}, ${origin(gone)}. `,
    )
    expect(good.received).toEqual([])
    const { code, output } = await run({}, () => runDoctor(variables, true))
    expect(code).toBe(1)
    expect(output).toContain(`ok  Callbacks      ${origin(good)} accepted a test (status 204).`)
    expect(output).toMatch(/^!! {2}Callbacks .* status 401\. Compare CALLBACK_SECRET/m)
    expect(output).toMatch(/^!! {2}Callbacks .*ECONNREFUSED.* Check CALLBACK_URLS/m)
    expect(output).not.toContain('target-key')
    expect((await run({}, () => runDoctor({}, true))).output).toMatch(
      /^!! {2}Callbacks .* Set CALLBACK_URLS and CALLBACK_SECRET\./m,
    )
  })
})
