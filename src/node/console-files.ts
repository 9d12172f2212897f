/** Reads the built console and its documents from disk, and lists the hosts that its page may use. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { StreamConfig } from '../config/node-config.ts'
import { errorCodeOf } from '../shared/error-codes.ts'
import type { ReadConsoleFile } from '../http/pages/console-page.ts'
import { type ConsoleSources, streamSources } from '../http/pages/console-sources.ts'
import type { TrustedDocument } from '../http/graphql/plugins/trusted-documents.ts'
import { DOCUMENTS_FILE, ownDocuments } from '../http/pages/own-documents.ts'

/** The same folder from `src` and from `dist`. */
const DEFAULT_FOLDER = new URL('../../dist/console/', import.meta.url)

/** Reads all files of the folder now; there are none if the console was not built. */
export function readConsoleFiles(folder: URL = DEFAULT_FOLDER): ReadConsoleFile {
  const files = new Map(
    namesIn(folder).map((name) => [
      name,
      new Uint8Array(readFileSync(fileURLToPath(new URL(name, folder)))),
    ]),
  )
  return async (name) => files.get(name) ?? null
}

function namesIn(folder: URL): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** Returns the documents of `headgate/client`, and those of the console if it was built. */
export function readOwnDocuments(folder: URL = DEFAULT_FOLDER): readonly TrustedDocument[] {
  const file = new URL(DOCUMENTS_FILE, folder)
  return ownDocuments(existsSync(file) ? readFileSync(file, 'utf8') : null)
}

/**
 * Returns upload and playback hosts, as sources of a content security policy.
 * @param emulatorURL public URL of the embedded emulator; null with an account
 */
export function consoleSources(stream: StreamConfig, emulatorURL: string | null): ConsoleSources {
  if (emulatorURL !== null) return { uploadSources: [emulatorURL], playSources: [emulatorURL] }
  return streamSources(stream.kind === 'account' ? stream.baseURL : null)
}
