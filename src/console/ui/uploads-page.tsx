/** Uploads page of one user: drop zone, storage gauge and list. */
import { Provider, useQuery } from '@urql/preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { createUploadClient } from '../../client/client.ts'
import { ME, type MeData } from '../data/documents.ts'
import { createGatewayClient } from '../data/graphql-client.ts'
import { type FileSettings, createConsoleQueue } from '../queue/upload-queue.ts'
import type { Session } from '../session.ts'
import { useStore } from '../store.ts'
import { DropZone } from './drop-zone.tsx'
import { CodeExample } from './code-example.tsx'
import { RemainingLimits, isLimited } from './remaining-limits.tsx'
import { StorageGauge } from './storage-gauge.tsx'
import { UploadList } from './upload-list.tsx'

function createDependencies(session: Session, user: string) {
  const url = new URL('/graphql', location.href).href
  const client = createUploadClient({
    url,
    fetch: session.fetch,
    // Omitted if auth is disabled.
    ...(session.requiresToken ? { token: async () => (await session.token(user)) ?? '' } : {}),
  })
  const data = createGatewayClient(url, session, user)
  return { data, client, queue: createConsoleQueue(client) }
}

const DEFAULT_SETTINGS: FileSettings = {
  maxDurationSeconds: null,
  reliableConnection: null,
  isPrivate: false,
}

interface UploadsPageProps {
  readonly session: Session
  readonly user: string
}

export function UploadsPage({ session, user }: UploadsPageProps) {
  const dependencies = useMemo(() => createDependencies(session, user), [session, user])
  return (
    <Provider value={dependencies.data}>
      <Uploads session={session} user={user} {...dependencies} />
    </Provider>
  )
}

type UploadsProps = UploadsPageProps & ReturnType<typeof createDependencies>

function Uploads({ session, user, data, client, queue }: UploadsProps) {
  useEffect(() => () => queue.close(), [queue])
  const me = useCaller(session)
  const [settings, setSettings] = useState(DEFAULT_SETTINGS)
  const rejection = useStore(queue.rejection)
  const [announcement, setAnnouncement] = useState('')
  return (
    <>
      <h1 class="hidden-text">Upload videos to Cloudflare Stream</h1>
      <div class="upper">
        <DropZone
          settings={settings}
          onSettings={setSettings}
          rejection={rejection}
          onFiles={(files) => queue.add(files, settings)}
        />
        <div class="side">
          {me !== null && isLimited(me.limits) && <RemainingLimits me={me} />}
          <StorageGauge />
        </div>
      </div>
      <UploadList
        data={data}
        client={client}
        queue={queue}
        settings={settings}
        viewer={session.requiresToken ? user : null}
        onAnnounce={setAnnouncement}
      />
      {/* Guests with a link write no code. */}
      {me !== null && me.limits.remainingUploads === null && <CodeExample />}
      <LiveRegion message={announcement} />
    </>
  )
}

/** Hook: the caller, read again with each new token; null while unknown. */
function useCaller({ authState }: Session): MeData['me'] | null {
  const [{ data }, read] = useQuery<MeData>({ query: ME })
  const auth = useStore(authState)
  const token = auth.kind === 'signed-in' ? auth.token : null
  useEffect(() => {
    if (token !== null) read({ requestPolicy: 'network-only' })
  }, [token, read])
  return data?.me ?? null
}

/** Polite ARIA live region: screen readers announce changes without interrupting. */
export function LiveRegion({ message }: { readonly message: string }) {
  return (
    <p class="hidden-text" role="status" aria-live="polite">
      {message}
    </p>
  )
}
