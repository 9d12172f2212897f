/** Answers to mutations without what is new in each: uids, links and cursors by the order of their coming. */
import { type Sent, comparable } from './send-request.ts'

const UID = /[0-9a-f]{32}/g
/** Ids of nodes: base64 of `Upload:` and a uid. */
const OPAQUE = /"VXBsb2Fk[A-Za-z0-9+/]+={0,2}"/g

export function withoutNames(sent: Sent): object {
  const names = new Map<string, string>()
  const nameOf = (uid: string): string => {
    const name = names.get(uid) ?? `uid${names.size + 1}`
    names.set(uid, name)
    return name
  }
  const text = sent.text
    .replaceAll(OPAQUE, (quoted) => `"opaque ${atob(quoted.slice(1, -1))}"`)
    .replaceAll(UID, nameOf)
  return comparable({ ...sent, text })
}
