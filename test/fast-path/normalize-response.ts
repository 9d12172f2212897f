/** Replaces generated uids and node ids in a response, so that responses to equal mutations are equal. */
import { type TestResponse, comparable } from './send-request.ts'

const UID = /[0-9a-f]{32}/g
/** Node ids: base64 of `Upload:` and a uid. */
const OPAQUE = /"VXBsb2Fk[A-Za-z0-9+/]+={0,2}"/g

export function withoutGeneratedIds(response: TestResponse): object {
  const names = new Map<string, string>()
  const nameOf = (uid: string): string => {
    const name = names.get(uid) ?? `uid${names.size + 1}`
    names.set(uid, name)
    return name
  }
  const text = response.text
    .replaceAll(OPAQUE, (quoted) => `"opaque ${atob(quoted.slice(1, -1))}"`)
    .replaceAll(UID, nameOf)
  return comparable({ ...response, text })
}
