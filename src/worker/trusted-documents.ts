/** Reads the trusted documents from the assets directory. */
import { TRUSTED_DOCUMENTS, parseTrustedDocuments } from '../config/parse-trusted-documents.ts'
import {
  type TrustedDocument,
  type TrustedDocuments,
  createTrustedDocuments,
} from '../http/graphql/plugins/trusted-documents.ts'
import { DOCUMENTS_FILE, ownDocuments } from '../http/pages/own-documents.ts'
import { type AssetsBinding, readTextAsset } from './assets.ts'

/**
 * @param path of the file in the assets directory
 * @throws Error that lists all errors of the file: nothing is executed then
 */
export async function loadTrustedDocuments(
  assets: AssetsBinding,
  path: string,
  introspection: boolean,
): Promise<TrustedDocuments> {
  const file = await readTextAsset(assets, path)
  if (file === null)
    throw new Error(
      `${TRUSTED_DOCUMENTS} must be the path of a file in the assets directory, and none has this path. Copy the file there, and deploy again.`,
    )
  const errors: string[] = []
  const listed = parseTrustedDocuments(file, { introspection }, (message) =>
    errors.push(`${TRUSTED_DOCUMENTS} ${message}`),
  )
  if (errors.length > 0) throw new Error(errors.join(' '))
  const own = ownDocuments(await readTextAsset(assets, DOCUMENTS_FILE))
  return createTrustedDocuments([...(await Promise.all(listed.map(withDigest))), ...own])
}

async function withDigest({
  id,
  text,
}: {
  readonly id: string
  readonly text: string
}): Promise<TrustedDocument> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return { ids: [id, hex], text }
}
