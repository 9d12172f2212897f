/** Reads the file of trusted documents on Node. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TrustedDocument } from '../http/graphql/plugins/trusted-documents.ts'
import { errorCodeOf } from '../shared/error-codes.ts'
import type { BaseConfig, EnvironmentReader } from './base-config.ts'
import {
  TRUSTED_DOCUMENTS,
  parseTrustedDocuments,
  readDocumentsPath,
} from './parse-trusted-documents.ts'

/** Returns the documents of the file; null if the variable is not set. Reports each error of the file. */
export function readTrustedDocuments(
  variables: EnvironmentReader,
  limits: Pick<BaseConfig, 'introspection' | 'federation'>,
): readonly TrustedDocument[] | null {
  const path = readDocumentsPath(variables, limits)
  if (path === null) return null
  let file: string
  try {
    file = readFileSync(path, 'utf8')
  } catch (error) {
    return variables.addError(
      TRUSTED_DOCUMENTS,
      `must be the path of a readable file (${errorCodeOf(error) ?? 'not readable'}).`,
    )
  }
  const addError = (message: string): void => void variables.addError(TRUSTED_DOCUMENTS, message)
  return parseTrustedDocuments(file, limits, addError).map(({ id, text }) => ({
    ids: [id, sha256(text)],
    text,
  }))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
