/** `headgate demo`: uploads a real video by both protocols and a private one, without a Cloudflare account. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Config, readConfig } from '../config/gateway-config.ts'
import { createLogger } from '../node/logger.ts'
import { startGateway } from '../node/start-gateway.ts'
import { type GatewayClient, createGatewayClient } from './gateway-client.ts'
import { padVideo } from './pad-video.ts'
import { type Terminal, createTerminal } from './terminal.ts'
import { uploadBasic, uploadTus } from './upload-file.ts'
import { printStatusUntilDone } from './print-status.ts'

/** Works from `src` and from `dist`, which are at the same depth. */
const TESTCARD = fileURLToPath(new URL('../../src/demo/testcard.mp4', import.meta.url))
/** Bytes: above the 200 MB limit of basic uploads, so that tus is required. */
const LARGE_BYTES = 210_000_000

/**
 * Returns 0 when all videos are READY and play, 1 otherwise. It awaits `keepOpen` before shutdown, so that
 * the videos can be played.
 */
export async function runDemo(keepOpen?: () => Promise<void>): Promise<number> {
  const terminal = createTerminal(process.stdout)
  const folder = await mkdtemp(join(tmpdir(), 'headgate-demo-'))
  const gateway = await startGateway(demoConfig(folder), createLogger('error'))
  try {
    terminal.print('')
    terminal.print(
      `Gateway on ${gateway.url}, Cloudflare Stream emulator on ${gateway.emulator?.url}`,
    )
    const call = createGatewayClient(`${gateway.url}/graphql`)
    const basicSucceeded = await showBasic(call, terminal)
    const tusSucceeded = await showTus(call, terminal, join(folder, 'large.mp4'))
    const privateSucceeded = await showPrivate(call, terminal)
    const done = basicSucceeded && tusSucceeded && privateSucceeded
    terminal.print('')
    terminal.print(
      done
        ? 'All videos are READY, and play.'
        : 'Not every video became READY and plays. See above.',
    )
    if (keepOpen !== undefined) {
      terminal.print('Play them at the URLs above. Press Ctrl-C to stop.')
      await keepOpen()
    } else {
      terminal.print('The demo has ended, and its URLs with it. `--keep` keeps them.')
    }
    return done ? 0 : 1
  } finally {
    await gateway.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function showBasic(call: GatewayClient, terminal: Terminal): Promise<boolean> {
  terminal.print('')
  terminal.print('1. A small video, by one POST')
  const { uid, uploadURL } = await call.mintBasic()
  const ready = printStatusUntilDone(call, uid, terminal)
  const { size } = await stat(TESTCARD)
  await awaitBoth(ready, uploadBasic(uploadURL, TESTCARD, terminal.progressBar(size)))
  return ready
}

async function showTus(call: GatewayClient, terminal: Terminal, path: string): Promise<boolean> {
  terminal.print('')
  terminal.print('2. The same video padded to 210 MB, by tus in chunks')
  await padVideo(TESTCARD, path, LARGE_BYTES)
  const { uid, uploadURL, chunkSizeBytes } = await call.mintTus(LARGE_BYTES)
  const ready = printStatusUntilDone(call, uid, terminal)
  const bar = terminal.progressBar(LARGE_BYTES)
  await awaitBoth(ready, uploadTus(uploadURL, path, chunkSizeBytes, bar))
  return ready
}

async function showPrivate(call: GatewayClient, terminal: Terminal): Promise<boolean> {
  terminal.print('')
  terminal.print('3. A private video, which plays only by a signed URL')
  const { uid, uploadURL } = await call.mintPrivate()
  const ready = printStatusUntilDone(call, uid, terminal)
  const { size } = await stat(TESTCARD)
  await awaitBoth(ready, uploadBasic(uploadURL, TESTCARD, terminal.progressBar(size)))
  if (!(await ready)) return false
  const { hlsURL, iframeURL, token } = await call.playback(uid)
  const statuses = [await statusOf(hlsURL), await statusOf(hlsURL.replace(token, uid))]
  terminal.print(`   HTTP ${statuses[0]}        with the token, HTTP ${statuses[1]} without it`)
  terminal.print(`   play it at      ${iframeURL}`)
  return statuses[0] === 200 && statuses[1] === 401
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url)
  await response.body?.cancel()
  return response.status
}

/** Rejects as soon as either rejects: after a failed transfer the upload never becomes READY. */
async function awaitBoth(ready: Promise<boolean>, upload: Promise<void>): Promise<void> {
  await Promise.all([upload, ready])
}

function demoConfig(folder: string): Config {
  const outcome = readConfig({
    PORT: '0',
    EMULATOR_PORT: '0',
    EMULATOR_DIR: join(folder, 'emulator'),
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
  })
  if (outcome.kind === 'errors') throw new Error(outcome.errors.join(' '))
  return outcome.config
}
