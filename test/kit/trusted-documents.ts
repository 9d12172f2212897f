/** The file of TRUSTED_DOCUMENTS for one test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Writes the file; returns its path. It is removed when the test ends. @param content text, or a value for JSON */
export async function writeTrustedDocuments(content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-documents-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'persisted-documents.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
