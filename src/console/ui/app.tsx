/** Root component: sign-in form or uploads page. */
import type { Session } from '../session.ts'
import { useStore } from '../store.ts'
import { UploadsPage } from './uploads-page.tsx'
import { Icon } from './icon.tsx'
import { LinkPrompt } from './link-prompt.tsx'
import { SignIn } from './sign-in.tsx'

export function App({ session }: { readonly session: Session }) {
  const auth = useStore(session.authState)
  const isSignedOut = auth.kind === 'signed-out'
  const user = session.requiresToken && !isSignedOut ? auth.user : null
  return (
    <>
      <header class="top">
        <a class="brand" href="/" aria-label="headgate console">
          <Icon name="gate" />
          headgate
        </a>
        <p class="tagline muted small">Direct uploads to Cloudflare Stream</p>
        {user !== null && (
          <p class="user muted small" title={user}>
            Signed in as <bdi>{user}</bdi>
          </p>
        )}
        <nav class="top-links" aria-label="Gateway">
          <a href="/graphql">GraphiQL</a>
          {user !== null && (
            <button type="button" class="quiet" onClick={() => session.signOut()}>
              Sign out
            </button>
          )}
        </nav>
      </header>
      <main class="page">
        <LinkPrompt link={session.link} user={user} />
        {isSignedOut && <SignIn error={auth.error} onToken={(token) => session.signIn(token)} />}
        {/* Keyed by user: a new user gets a new page; after token expiry the old page is kept. */}
        {auth.user !== null && (
          <div hidden={isSignedOut}>
            <UploadsPage key={auth.user} user={auth.user} session={session} />
          </div>
        )}
      </main>
    </>
  )
}
