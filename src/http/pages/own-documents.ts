/** Documents of the console and of `headgate/client`, which are executed besides the operator's trusted documents. */
import * as clientOperations from '../../client/gateway/operations.ts'
import { isRecord } from '../../shared/json.ts'
import type { TrustedDocument } from '../graphql/plugins/trusted-documents.ts'

/** List of the console's documents in its folder, which its build writes. */
export const DOCUMENTS_FILE = 'documents.json'

/**
 * Returns the documents, which have no ids: both clients send them as text.
 * @param list content of DOCUMENTS_FILE; null if the console is not built
 */
export function ownDocuments(list: string | null): readonly TrustedDocument[] {
  const console: unknown = list === null ? {} : JSON.parse(list)
  const texts: readonly unknown[] = [
    ...Object.values(clientOperations),
    ...(isRecord(console) ? Object.values(console) : []),
  ]
  return texts.flatMap((text) => (typeof text === 'string' ? [{ ids: [], text }] : []))
}
