/** Session of the caller: a token in the tab's sessionStorage, or none if auth is disabled. */
import { type Store, createStore } from './store.ts'

/** Authentication state of the page. */
export type AuthState =
  | { readonly kind: 'signed-in'; readonly token: string | null; readonly who: string }
  | {
      readonly kind: 'signed-out'
      /** Error message for the last token; null without one. */
      readonly refusal: string | null
      /** User whose page is kept behind the sign-in form; null without one. */
      readonly who: string | null
    }

export interface Session {
  readonly standing: Store<AuthState>
  readonly wantsToken: boolean
  /** Stores the token until the tab is closed. */
  signIn(token: string): void
  signOut(): void
  /** Resolves with this user's token, after a sign-in if needed; null if auth is disabled. */
  token(who: string): Promise<string | null>
  /** `fetch` that signs out after a 401. */
  readonly fetch: typeof globalThis.fetch
}

const KEY = 'headgate-token'
const ANONYMOUS = 'everybody'

export function createSession(wantsToken: boolean): Session {
  const storedToken = wantsToken ? sessionStorage.getItem(KEY) : null
  const standing = createStore<AuthState>(
    wantsToken && storedToken === null
      ? { kind: 'signed-out', refusal: null, who: null }
      : {
          kind: 'signed-in',
          token: storedToken,
          who: storedToken === null ? ANONYMOUS : subjectOf(storedToken),
        },
  )

  /** Signs out, unless the rejected token was replaced in between. */
  function signOutAfter(refusal: string, authorization: string | null): void {
    const current = standing.get()
    if (current.kind === 'signed-out' || authorization !== `Bearer ${current.token}`) return
    sessionStorage.removeItem(KEY)
    standing.set({ kind: 'signed-out', refusal, who: current.who })
  }

  return {
    standing,
    wantsToken,
    signIn(token) {
      sessionStorage.setItem(KEY, token)
      standing.set({ kind: 'signed-in', token, who: subjectOf(token) })
    },
    signOut() {
      sessionStorage.removeItem(KEY)
      standing.set({ kind: 'signed-out', refusal: null, who: null })
    },
    async token(who) {
      for (;;) {
        const current = standing.get()
        // An operation of one user must not continue with the token of another.
        if (current.kind === 'signed-in' && current.who !== who)
          throw new Error('Another user has signed in.')
        if (current.kind === 'signed-in') return current.token
        // After a token expires, active uploads wait until the user signs in again.
        await changeOf(standing)
      }
    },
    async fetch(input, init) {
      const response = await fetch(input, init)
      if (response.status === 401) {
        const refusal = await errorMessageOf(response.clone())
        signOutAfter(refusal, new Headers(init?.headers).get('authorization'))
      }
      return response
    },
  }
}

function changeOf(store: Store<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.subscribe(() => {
      stop()
      resolve()
    })
  })
}

/** Returns the `sub` of a JWT, or the whole token: it only distinguishes users. */
function subjectOf(token: string): string {
  try {
    const [, payload = ''] = token.split('.')
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    return String(Reflect.get(Object(claims), 'sub'))
  } catch {
    return token
  }
}

/** Returns the error message of a 401 response. */
async function errorMessageOf(response: Response): Promise<string> {
  try {
    const body: unknown = await response.json()
    const errors: unknown = Reflect.get(Object(body), 'errors')
    const first: unknown = Array.isArray(errors) ? errors.at(0) : null
    return String(Reflect.get(Object(first), 'message') ?? DEFAULT_MESSAGE)
  } catch {
    return DEFAULT_MESSAGE
  }
}

const DEFAULT_MESSAGE = 'The gateway rejected the token.'
