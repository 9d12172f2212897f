/** Who calls: a token in the tab's sessionStorage, or nobody in particular where none is wanted. */
import { type Store, createStore } from './store.ts'

/** How the caller stands with the gateway. */
export type Standing =
  | { readonly kind: 'in'; readonly token: string | null; readonly who: string }
  | {
      readonly kind: 'out'
      /** What the gateway said to the last token; null where there was none. */
      readonly refusal: string | null
      /** Whose page waits behind the field; null for nobody's. */
      readonly who: string | null
    }

export interface Session {
  readonly standing: Store<Standing>
  readonly wantsToken: boolean
  /** Keeps the token for as long as the tab lives. */
  signIn(token: string): void
  signOut(): void
  /** The token of this caller, once there is one; null where none is wanted. */
  token(who: string): Promise<string | null>
  /** `fetch` that hears when the gateway refuses the token. */
  readonly fetch: typeof globalThis.fetch
}

const KEY = 'headgate-token'
const NOBODY = 'everybody'

export function createSession(wantsToken: boolean): Session {
  const kept = wantsToken ? sessionStorage.getItem(KEY) : null
  const standing = createStore<Standing>(
    wantsToken && kept === null
      ? { kind: 'out', refusal: null, who: null }
      : { kind: 'in', token: kept, who: kept === null ? NOBODY : subjectOf(kept) },
  )

  /** A token that was replaced meanwhile says nothing of the new one. */
  function refuse(refusal: string, authorization: string | null): void {
    const now = standing.get()
    if (now.kind === 'out' || authorization !== `Bearer ${now.token}`) return
    sessionStorage.removeItem(KEY)
    standing.set({ kind: 'out', refusal, who: now.who })
  }

  return {
    standing,
    wantsToken,
    signIn(token) {
      sessionStorage.setItem(KEY, token)
      standing.set({ kind: 'in', token, who: subjectOf(token) })
    },
    signOut() {
      sessionStorage.removeItem(KEY)
      standing.set({ kind: 'out', refusal: null, who: null })
    },
    async token(who) {
      for (;;) {
        const now = standing.get()
        // What one caller has begun is never done in the name of the next one.
        if (now.kind === 'in' && now.who !== who) throw new Error('Somebody else has signed in.')
        if (now.kind === 'in') return now.token
        // A token that lapses in the middle of an upload stops it only until there is another.
        await changeOf(standing)
      }
    },
    async fetch(input, init) {
      const response = await fetch(input, init)
      if (response.status === 401) {
        const refusal = await sentenceOf(response.clone())
        refuse(refusal, new Headers(init?.headers).get('authorization'))
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

/** The `sub` of a JWT, or all of what is none: enough to tell one caller from another. */
function subjectOf(token: string): string {
  try {
    const [, payload = ''] = token.split('.')
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    return String(Reflect.get(Object(claims), 'sub'))
  } catch {
    return token
  }
}

/** What the gateway says to a token that it does not take. */
async function sentenceOf(response: Response): Promise<string> {
  try {
    const answer: unknown = await response.json()
    const errors: unknown = Reflect.get(Object(answer), 'errors')
    const first: unknown = Array.isArray(errors) ? errors.at(0) : null
    return String(Reflect.get(Object(first), 'message') ?? UNKNOWN)
  } catch {
    return UNKNOWN
  }
}

const UNKNOWN = 'The gateway did not take the token.'
