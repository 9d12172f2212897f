/** One caller's desk: choose videos, see how they do, and how the storage stands. */
import { Provider } from '@urql/preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { createUploadClient } from '../../client/client.ts'
import { createGatewayData } from '../data/graphql-client.ts'
import type { JourneyTerms } from '../queue/queue-item.ts'
import { createQueue } from '../queue/upload-queue.ts'
import type { Session } from '../session.ts'
import { useStore } from '../store.ts'
import { Announcer } from './announcer.tsx'
import { DropZone } from './drop-zone.tsx'
import { FromCode } from './code-example.tsx'
import { StorageGauge } from './storage-gauge.tsx'
import { UploadList } from './upload-list.tsx'

function createParts(session: Session, who: string) {
  const url = new URL('/graphql', location.href).href
  const client = createUploadClient({
    url,
    fetch: session.fetch,
    // Where none is wanted there is none.
    ...(session.wantsToken ? { token: async () => (await session.token(who)) ?? '' } : {}),
  })
  return { data: createGatewayData(url, session, who), client, queue: createQueue(client) }
}

const READ_FROM_FILE: JourneyTerms = { maxDurationSeconds: null, reliableConnection: null }

interface DeskProps {
  readonly session: Session
  readonly who: string
}

export function Desk({ session, who }: DeskProps) {
  const { data, client, queue } = useMemo(() => createParts(session, who), [session, who])
  useEffect(() => () => queue.close(), [queue])
  const [terms, setTerms] = useState(READ_FROM_FILE)
  const refusal = useStore(queue.refusal)
  const [spoken, setSpoken] = useState('')
  return (
    <Provider value={data.client}>
      <h1 class="hidden-text">Upload videos to Cloudflare Stream</h1>
      <div class="upper">
        <DropZone
          terms={terms}
          onTerms={setTerms}
          refusal={refusal}
          onFiles={(files) => queue.add(files, terms)}
        />
        <StorageGauge />
      </div>
      <UploadList
        data={data}
        client={client}
        queue={queue}
        terms={terms}
        viewer={session.wantsToken ? who : null}
        onSay={setSpoken}
      />
      <FromCode />
      <Announcer words={spoken} />
    </Provider>
  )
}
