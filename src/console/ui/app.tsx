/** The page: a field for the token where one is wanted, and the caller's desk. */
import type { Session } from '../session.ts'
import { useStore } from '../store.ts'
import { Desk } from './uploads-page.tsx'
import { Icon } from './icon.tsx'
import { SignIn } from './sign-in.tsx'

export function Console({ session }: { readonly session: Session }) {
  const standing = useStore(session.standing)
  const isOut = standing.kind === 'out'
  return (
    <>
      <header class="top">
        <a class="brand" href="/" aria-label="headgate, the console">
          <Icon name="gate" />
          headgate
        </a>
        <p class="tagline muted small">Direct uploads to Cloudflare Stream</p>
        <nav class="top-links" aria-label="Gateway">
          <a href="/graphql">GraphiQL</a>
          {session.wantsToken && !isOut && (
            <button type="button" class="quiet" onClick={() => session.signOut()}>
              Sign out
            </button>
          )}
        </nav>
      </header>
      <main class="page">
        {isOut && <SignIn refusal={standing.refusal} onToken={(token) => session.signIn(token)} />}
        {/* Another caller gets another desk; one whose token lapsed finds theirs as it was. */}
        {standing.who !== null && (
          <div hidden={isOut}>
            <Desk key={standing.who} who={standing.who} session={session} />
          </div>
        )}
      </main>
    </>
  )
}
