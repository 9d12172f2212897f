/** The secrets, the targets and the contents of callbacks appear in no log line, metric, trace or command. */
import { createServer } from 'node:net'
import Database from 'better-sqlite3'
import { describe, expect, it, vi } from 'vitest'
import { listCallbacks } from '../../src/commands/callbacks.ts'
import { type CallbackTarget, startCallbackTarget, status } from '../kit/callback-target.ts'
import { listenInTest } from '../kit/listen.ts'
import { secretText } from './search.ts'
import { type GatewaySetup, setupInProcess } from './setup.ts'
import { metricsToken } from './test-secrets.ts'

const NEW_SECRET = `whsec_${btoa('nEw-cAllback-Qx71LpVm93YtRs52Bw')}`
const OLD_SECRET = `whsec_${btoa('oLd-cAllback-Zk48MnTr16WqXs70Pv')}`
const PATH_KEY = 'tArget-Kd83HgJf52LqWe97RtYu14ZxCv60Bn'
const CONTENT = 'cOntent-Pa46SdFg81HjKl29QwEr73TyUi05Op'
const ECHO = 'eCho-Mb58VcXz34LkJh96GfDs27ApOi13UyTr'

const secrets = [
  secretText('CALLBACK_SECRET', NEW_SECRET),
  secretText('the old CALLBACK_SECRET', OLD_SECRET),
  secretText('the path of a target', PATH_KEY),
  secretText('the content of a callback', CONTENT),
  secretText('the response of a target', ECHO),
]

/** Starts a target that writes these bytes to each connection, and closes it. */
async function startBrokenTarget(bytes: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(bytes))
  })
  return `${(await listenInTest(server)).origin}/${PATH_KEY}`
}

function setupWithTargets(...urls: readonly string[]): ReturnType<typeof setupInProcess> {
  return setupInProcess({
    CALLBACK_URLS: urls.join(','),
    CALLBACK_SECRET: `${NEW_SECRET},${OLD_SECRET}`,
  })
}

/** Mints an upload whose callback has the content. */
async function mint(setup: GatewaySetup): Promise<void> {
  for (const secret of secrets) setup.transcript.addSecret(secret)
  await setup.mintBasic(setup.tokens.ada, { meta: { note: CONTENT } })
}

/** All leaks, except that the creator sees its own upload. */
function leaksOf({ transcript }: GatewaySetup): readonly string[] {
  return transcript
    .leaks()
    .filter((leak) => !leak.startsWith('the content of a callback in a basic upload by'))
}

async function untilLogged({ gateway }: GatewaySetup, message: RegExp, count: number) {
  await vi.waitFor(() => {
    expect(gateway.logs.filter((line) => message.test(line.message)).length).toBe(count)
  }, 10_000)
}

/** Records the log, the metrics and the list of callbacks. */
async function recordAll(setup: GatewaySetup): Promise<void> {
  setup.recordLog()
  setup.gateway.clock.advance(1)
  await setup.client.send({
    name: 'metrics',
    path: '/metrics',
    method: 'GET',
    headers: { authorization: `Bearer ${metricsToken}` },
    own: [secretText('METRICS_TOKEN', metricsToken)],
  })
  vi.stubEnv('DATABASE_URL', `file:${setup.gateway.databaseFile}`)
  const stdout = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  try {
    await listCallbacks(false)
    await listCallbacks(true)
    setup.transcript.record('headgate callbacks list', stdout.mock.calls)
  } finally {
    stdout.mockRestore()
    vi.unstubAllEnvs()
  }
}

describe('no callback leaks a secret', { timeout: 30_000 }, () => {
  it('when targets accept, reject, redirect and break connections', async () => {
    const path = `/${PATH_KEY}?key=${PATH_KEY}`
    const targets = await Promise.all(Array.from({ length: 4 }, () => startCallbackTarget(path)))
    const [accepting, failing, gone, redirecting] = targets
    const respond = (target: CallbackTarget | undefined, code: number): void =>
      target?.respond(status(code, { location: `/${PATH_KEY}`, 'x-echo': ECHO }))
    accepting?.respond((response) => response.writeHead(200, { 'x-echo': ECHO }).end(ECHO))
    failing?.respond((response) => response.writeHead(500, { 'x-echo': ECHO }).end(ECHO))
    respond(gone, 410)
    respond(redirecting, 302)
    const setup = await setupWithTargets(
      ...targets.map(({ url }) => url),
      await startBrokenTarget(''),
      await startBrokenTarget(`HTTP/1.1 200 OK\r\n${ECHO}: \u0000${ECHO}\r\n\r\n`),
      await startBrokenTarget(`${ECHO} no HTTP`),
      `http://127.0.0.1:1/${PATH_KEY}`,
      `http://nowhere.invalid/${PATH_KEY}`,
    )
    await mint(setup)
    await untilLogged(setup, /^callback (?:failed|is a dead letter|delivered)/, 9)
    await recordAll(setup)
    const { transcript, gateway } = setup
    expect(gateway.logs.filter(({ message }) => message === 'callback delivered')).toHaveLength(1)
    expect(transcript.places()).toEqual(
      expect.arrayContaining(['headgate callbacks list', expect.stringMatching(/^metrics/)]),
    )
    expect(leaksOf(setup)).toEqual([])
    // The receiver gets them.
    expect(accepting?.received[0]?.body).toContain(CONTENT)
  })

  it('when the database is broken', async () => {
    const target = await startCallbackTarget(`/${PATH_KEY}`)
    const setup = await setupWithTargets(target.url)
    await mint(setup)
    await target.waitFor(1)
    await untilLogged(setup, /^callback delivered/, 1)
    new Database(setup.gateway.databaseFile)
      .exec('alter table callback_deliveries rename to gone')
      .close()
    const { client, tokens } = setup
    await vi.waitFor(() => {
      const failures = setup.gateway.logs.filter(({ message }) =>
        message.startsWith('delivering callbacks failed'),
      )
      expect(failures.length).toBeGreaterThan(0)
    }, 10_000)
    await client.send({
      name: 'a mint whose callback cannot be recorded',
      path: '/graphql',
      method: 'POST',
      headers: {
        authorization: `Bearer ${tokens.ada.text}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        query: `mutation { createDirectUpload(input: { maxDurationSeconds: 60, meta: { note: "${CONTENT}" } }) { __typename } }`,
      }),
      own: [tokens.ada.secret],
    })
    setup.recordLog()
    expect(setup.gateway.logs.map(({ message }) => message)).toContain('unexpected error')
    expect(leaksOf(setup)).toEqual([])
  })
})
