/** Uploads page of one user: drop zone, storage gauge and list. */
import { Provider } from '@urql/preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { createUploadClient } from '../../client/client.ts'
import { createGatewayClient } from '../data/graphql-client.ts'
import type { QueueItemSettings } from '../queue/queue-item.ts'
import { createUploadQueue } from '../queue/upload-queue.ts'
import type { Session } from '../session.ts'
import { useStore } from '../store.ts'
import { DropZone } from './drop-zone.tsx'
import { CodeExample } from './code-example.tsx'
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
  return { data: createGatewayClient(url, session, user), client, queue: createUploadQueue(client) }
}

const DEFAULT_SETTINGS: QueueItemSettings = {
  maxDurationSeconds: null,
  reliableConnection: null,
  isPrivate: false,
}

interface UploadsPageProps {
  readonly session: Session
  readonly user: string
}

export function UploadsPage({ session, user }: UploadsPageProps) {
  const { data, client, queue } = useMemo(() => createDependencies(session, user), [session, user])
  useEffect(() => () => queue.close(), [queue])
  const [settings, setSettings] = useState(DEFAULT_SETTINGS)
  const rejection = useStore(queue.rejection)
  const [announcement, setAnnouncement] = useState('')
  return (
    <Provider value={data.client}>
      <h1 class="hidden-text">Upload videos to Cloudflare Stream</h1>
      <div class="upper">
        <DropZone
          settings={settings}
          onSettings={setSettings}
          rejection={rejection}
          onFiles={(files) => queue.add(files, settings)}
        />
        <StorageGauge />
      </div>
      <UploadList
        data={data}
        client={client}
        queue={queue}
        settings={settings}
        viewer={session.requiresToken ? user : null}
        onAnnounce={setAnnouncement}
      />
      <CodeExample />
      <LiveRegion message={announcement} />
    </Provider>
  )
}

/** Polite ARIA live region: screen readers announce changes without interrupting. */
export function LiveRegion({ message }: { readonly message: string }) {
  return (
    <p class="hidden-text" role="status" aria-live="polite">
      {message}
    </p>
  )
}
