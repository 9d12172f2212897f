/** Returns the `sub` of a JWT, or the whole token: it only distinguishes users. */
export function subjectOf(token: string): string {
  try {
    const [, payload = ''] = token.split('.')
    const base64 = payload.replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return String(Reflect.get(Object(claims), 'sub'))
  } catch {
    return token
  }
}
