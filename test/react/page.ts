/** The page of the tests: shows the result of each hook as text. The test mounts one view at a time. */
export const PAGE = /* tsx */ `
import { type ReactNode, StrictMode, Suspense, use, useState, version } from 'react'
import { render } from '@testing-library/react'
import { createUploadClient } from 'headgate/client'
import {
  UploadClientProvider, usePlayback, useUpload, useUploadClient, useUploadList, useUploads,
} from 'headgate/react'

export { version }

const flags = ({ isLoading, isLive, error }) =>
  [isLoading && 'loading', isLive && 'live', error && error.code].filter(Boolean).join(' ')

function Upload({ uid, id = 'upload' }) {
  const result = useUpload(uid)
  const { upload } = result
  return <p data-testid={id}>{[upload?.name, upload?.status, flags(result)].filter(Boolean).join(' ') || 'nothing'}</p>
}

/** Several components for each upload. */
function Rows({ uids, each = 1 }) {
  return uids.flatMap((uid) => Array.from({ length: each }, (_, index) => <Upload key={uid + index} uid={uid} id={'row'} />))
}

function List({ filter, options, id = 'list' }) {
  const result = useUploadList(filter, options)
  const { uploads, hasMore, loadMore } = result
  return (
    <section>
      <p data-testid={id}>{[...uploads.map(({ name }) => name), flags(result)].filter(Boolean).join(' ')}</p>
      {hasMore && <button onClick={loadMore}>More</button>}
    </section>
  )
}

/** A list, and uploads by their uid. */
function ListAndRows({ uids }) {
  return <><List /><Rows uids={uids} /></>
}

function Player({ uid, options, id = 'player' }) {
  const { playback, isLoading, error } = usePlayback(uid, options)
  return <p data-testid={id}>{[playback?.hlsURL, isLoading && 'loading', error?.code].filter(Boolean).join(' ') || 'nothing'}</p>
}

function Players({ uid }) {
  return <><Player uid={uid} /><Player uid={uid} /><Player uid={uid} /></>
}

/** Suspends until the test resolves it. */
let resolveLazy
let lazy
function Lazy() {
  lazy ??= Object.assign(new Promise((resolve) => { resolveLazy = resolve }), { isDone: false })
  if (!lazy.isDone) throw lazy
  return <p data-testid="lazy">loaded</p>
}
export function resolve() {
  lazy.isDone = true
  resolveLazy()
}
function Suspended({ uid }) {
  return <Suspense fallback={<p data-testid="fallback">waiting</p>}><Upload uid={uid} /><Lazy /></Suspense>
}

/** Sees the client of the provider. */
let deleteUpload
function Client() {
  const client = useUploadClient()
  deleteUpload = (uid) => client.delete(uid).then(({ status }) => status)
  return null
}
export const remove = (uid) => deleteUpload(uid)

function Uploads({ settings, id = 'files' }) {
  const { uploads, add, pause, resume, retry, cancel, remove } = useUploads(settings)
  return (
    <section>
      <input data-testid="input" type="file" multiple onChange={(event) => { add(event.target.files); event.target.value = '' }} />
      <ul>
        {uploads.map(({ id: file, name, state, fraction, error, upload }) => (
          <li key={file} aria-label={name}>
            <span data-testid={id}>{[name, state, error?.code, upload?.video?.durationSeconds].filter(Boolean).join(' ')}</span>
            <progress value={fraction} />
            <button onClick={() => pause(file)}>Pause</button>
            <button onClick={() => resume(file)}>Resume</button>
            <button onClick={() => retry(file)}>Retry</button>
            <button onClick={() => cancel(file)}>Cancel</button>
            <button onClick={() => remove(file)}>Remove</button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** Shows the files, and counts those that are ready in another component. */
function Page({ showsFiles, settings }) {
  return <>{showsFiles && <Uploads settings={settings} />}<Count /></>
}
function Count() {
  const { uploads } = useUploads()
  return <p data-testid="count">{uploads.filter(({ state }) => state === 'ready').length} of {uploads.length}</p>
}

function Everything({ uid }) {
  return <><ListAndRows uids={[uid]} /><Player uid={uid} /><Upload uid={null} /><Page showsFiles /></>
}

const views = { Everything, Upload, Rows, List, ListAndRows, Player, Players, Suspended, Uploads, Page }

let clock
let mounted
let shown
/** Renders a view in StrictMode below a provider with these props. */
export function mount(provider, view, props = {}) {
  shown = { provider, view, props }
  mounted = render(element())
}
/** Renders a view on a server, or makes the HTML of a server a view. */
export function htmlOf(renderToString, provider, view, props) {
  shown = { provider, view, props }
  return renderToString(element())
}
export function hydrate(html, provider, view, props) {
  const container = document.querySelector('#app')
  container.innerHTML = html
  shown = { provider, view, props }
  mounted = render(element(), { container, hydrate: true })
}
/** Renders it again with other props of the view, of the provider, or another view. */
export function update(change) {
  shown = { ...shown, ...change }
  mounted.rerender(element())
}
export const unmount = () => mounted.unmount()

/** A client of the page itself, for providers with \`usesOwnClient\`. */
let ownClient

function element() {
  const { provider: { usesOwnClient, ...options }, view, props } = shown
  const provider = usesOwnClient ? { client: (ownClient ??= createUploadClient(options)) } : options
  const View = views[view]
  return (
    <StrictMode>
      <UploadClientProvider {...provider} {...(clock && !usesOwnClient ? { clock } : {})}>
        <View {...props} />
        <Client />
      </UploadClientProvider>
    </StrictMode>
  )
}

/** Hides the page from itself, or shows it, as a browser does with its tabs. */
export function setHidden(isHidden) {
  Object.defineProperty(document, 'visibilityState', { value: isHidden ? 'hidden' : 'visible', configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}

/** Lets the clients that are created from now on use a clock that the test advances. */
let advancedMs = 0
const waiters = new Set()
export function useTestClock() {
  clock = {
    now: () => new Date(Date.now() + advancedMs),
    wait: (ms, signal) => new Promise((resolve) => {
      const waiter = { until: Date.now() + advancedMs + ms, resolve }
      waiters.add(waiter)
      setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => resolve())
    }),
  }
}
export function advance(seconds) {
  advancedMs += seconds * 1000
  for (const waiter of waiters) {
    if (waiter.until > Date.now() + advancedMs) continue
    waiters.delete(waiter)
    waiter.resolve()
  }
}
`
