/**
 * The sign-in by the token of a link. Anybody can send a link, so that it replaces no session before the gateway has
 * accepted its token, and changes the user only after a question.
 */
import { subjectOf } from '../client/resume/fingerprint.ts'
import { rejectionOf, tokenIn } from '../http/pages/auth-mode.ts'
import { ME } from './data/documents.ts'
import { type Store, createStore } from './store.ts'

const PREFIX = '#token='
const UNREACHABLE = 'The gateway does not respond. Open the link again later.'

/**
 * Returns the token in the fragment of the page's address, as in an upload link for a guest: `/#token=JWT`; null without
 * one. Removes it from the address and from the tab's Back. Browsers send no fragment to a server, so that the token is
 * in no log and no `Referer` header. It stays in the browser's own history, which a page cannot change.
 */
export function takeTokenFromAddress(): string | null {
  const { hash, pathname, search } = location
  if (!hash.startsWith(PREFIX)) return null
  history.replaceState(null, '', pathname + search)
  return tokenIn(hash.slice(PREFIX.length))
}

/** Returns the subject of the token, or the whole token: it only distinguishes users. */
export function userOf(token: string): string {
  return subjectOf(token) ?? token
}

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
      const message = await rejectionOf(token, ME, UNREACHABLE)
      if (received !== token) return
      const present = current()
      const user = userOf(token)
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
