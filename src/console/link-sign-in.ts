/**
 * The sign-in by the token of a link. Anybody can send a link, so that it replaces no session before the gateway has
 * accepted its token, and changes the user only after a question.
 */
import { errorMessageOf } from '../http/pages/auth-mode.ts'
import { ME } from './data/documents.ts'
import { type Store, createStore } from './store.ts'
import { subjectOf } from './subject-of.ts'

export type LinkPrompt =
  /** Asks whether to sign in as this user, in place of the present one. */
  | { readonly kind: 'other-user'; readonly token: string; readonly user: string }
  /** Says why the token was not used. */
  | { readonly kind: 'rejected'; readonly message: string }

export interface LinkSignIn {
  /** What the page shows about the last link; null for nothing. */
  readonly prompt: Store<LinkPrompt | null>
  /** Signs in with the token, or shows a prompt. */
  receive(token: string): Promise<void>
  /** Signs in as the other user. */
  accept(): void
  /** Removes the prompt; the session stays as it is. */
  dismiss(): void
}

/** The session that a link may replace. */
interface ReplaceableSession {
  /** The user signed in, and its token; null if nobody is. */
  readonly current: () => { readonly user: string; readonly token: string | null } | null
  readonly signIn: (token: string) => void
}

export function createLinkSignIn({ current, signIn }: ReplaceableSession): LinkSignIn {
  const prompt = createStore<LinkPrompt | null>(null)
  /** Token of the last link: an earlier one is not used if its check ends later. */
  let received: string | null = null

  return {
    prompt,
    async receive(token) {
      received = token
      prompt.set(null)
      if (current() === null) return signIn(token)
      if (current()?.token === token) return
      const message = await rejectionOf(token)
      if (received !== token) return
      const present = current()
      const user = subjectOf(token)
      if (message !== null) prompt.set({ kind: 'rejected', message })
      else if (present === null || present.user === user) signIn(token)
      else prompt.set({ kind: 'other-user', token, user })
    },
    accept() {
      const question = prompt.get()
      prompt.set(null)
      if (question?.kind === 'other-user') signIn(question.token)
    },
    dismiss: () => prompt.set(null),
  }
}

/** Returns why the gateway rejects the token; null if it accepts it. */
async function rejectionOf(token: string): Promise<string | null> {
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query: ME }),
    })
    if (response.ok) return null
    return await errorMessageOf(response)
  } catch {
    return 'The gateway does not respond. Open the link again later.'
  }
}
