/** Session of the caller: a token in the tab's sessionStorage, or none if auth is disabled. */
import { SESSION_TOKEN_KEY, errorMessageOf } from '../http/pages/auth-mode.ts'
import { type LinkSignIn, createLinkSignIn, takeTokenFromAddress, userOf } from './link-sign-in.ts'
import { type Store, createStore } from './store.ts'

/** Authentication state of the page. */
export type AuthState =
  | { readonly kind: 'signed-in'; readonly token: string | null; readonly user: string }
  | {
      readonly kind: 'signed-out'
      /** Error message for the last token; null without one. */
      readonly error: string | null
      /** User whose page is kept behind the sign-in form; null without one. */
      readonly user: string | null
    }

export interface Session {
  readonly authState: Store<AuthState>
  readonly requiresToken: boolean
  readonly link: LinkSignIn
  /** Stores the token until the tab is closed. */
  signIn(token: string): void
  signOut(): void
  /** Resolves with this user's token, after a sign-in if needed; null if auth is disabled. */
  token(user: string): Promise<string | null>
  /** `fetch` that signs out after a 401. */
  readonly fetch: typeof globalThis.fetch
}

const ANONYMOUS = 'everybody'

export function createSession(requiresToken: boolean): Session {
  const storedToken = requiresToken ? sessionStorage.getItem(SESSION_TOKEN_KEY) : null
  const authState = createStore<AuthState>(
    requiresToken && storedToken === null
      ? { kind: 'signed-out', error: null, user: null }
      : {
          kind: 'signed-in',
          token: storedToken,
          user: storedToken === null ? ANONYMOUS : userOf(storedToken),
        },
  )

  /** Signs out, unless the rejected token was replaced in between. */
  function signOutAfter(error: string, authorization: string | null): void {
    const current = authState.get()
    if (current.kind === 'signed-out' || authorization !== `Bearer ${current.token}`) return
    sessionStorage.removeItem(SESSION_TOKEN_KEY)
    authState.set({ kind: 'signed-out', error, user: current.user })
  }

  function signIn(token: string): void {
    sessionStorage.setItem(SESSION_TOKEN_KEY, token)
    authState.set({ kind: 'signed-in', token, user: userOf(token) })
  }

  const link = createLinkSignIn({
    current() {
      const current = authState.get()
      return current.kind === 'signed-in' ? current : null
    },
    signIn,
  })

  function receiveLink(): void {
    const token = takeTokenFromAddress()
    if (requiresToken && token !== null) void link.receive(token)
  }
  receiveLink()
  // A link that is opened in the same tab changes the fragment only.
  addEventListener('hashchange', receiveLink)

  return {
    authState,
    requiresToken,
    link,
    signIn,
    signOut() {
      sessionStorage.removeItem(SESSION_TOKEN_KEY)
      authState.set({ kind: 'signed-out', error: null, user: null })
    },
    async token(user) {
      for (;;) {
        const current = authState.get()
        // An operation of one user must not continue with the token of another.
        if (current.kind === 'signed-in' && current.user !== user)
          throw new Error('Another user has signed in.')
        if (current.kind === 'signed-in') return current.token
        // After a token expires, active uploads wait until the user signs in again.
        await changeOf(authState)
      }
    },
    async fetch(input, init) {
      const response = await fetch(input, init)
      if (response.status === 401) {
        const message = await errorMessageOf(response.clone())
        signOutAfter(message, new Headers(init?.headers).get('authorization'))
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
