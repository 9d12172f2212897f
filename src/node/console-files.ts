/** The built console's files and the hosts that its page may reach, for the gateway on Node. */
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { StreamConfig } from '../config/node-config.ts'
import { codeOf } from '../shared/error-codes.ts'
import type { ConsoleFile } from '../http/pages/console-page.ts'

/** Beside the built code, and from `src` the same place. */
const BUILT = new URL('../../dist/console/', import.meta.url)
const STREAM_PLAY = ['https://*.cloudflarestream.com', 'https://*.videodelivery.net']
const STREAM_UPLOAD = ['https://upload.videodelivery.net', ...STREAM_PLAY]
const CLOUDFLARE = 'https://api.cloudflare.com'

/** Every file of the folder; none where the console was not built. */
export function readConsoleFiles(folder: URL = BUILT): readonly ConsoleFile[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => ({
        path: name,
        bytes: new Uint8Array(readFileSync(fileURLToPath(new URL(name, folder)))),
      }))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/**
 * Where videos go to and come from, as sources of a content policy.
 * @param emulatorURL of the embedded emulator; null with an account
 */
export function consoleSources(
  stream: StreamConfig,
  emulatorURL: string | null,
): { readonly uploadSources: readonly string[]; readonly playSources: readonly string[] } {
  if (emulatorURL !== null) return { uploadSources: [emulatorURL], playSources: [emulatorURL] }
  const origin = stream.kind === 'account' ? new URL(stream.baseURL).origin : CLOUDFLARE
  // Another address of the API is an emulator, which plays and takes uploads at the same one.
  const others = origin === CLOUDFLARE ? [] : [origin]
  return {
    uploadSources: [...STREAM_UPLOAD, ...others],
    playSources: [...STREAM_PLAY, ...others],
  }
}
