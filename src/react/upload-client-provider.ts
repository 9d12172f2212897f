/** The client that the hooks of a component tree use. */
import {
  type ReactNode,
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react'
import {
  type UploadClient,
  type UploadClientOptions,
  createUploadClient,
} from '../client/client.ts'
import { holdQueue } from './client-queue.ts'
import { useLatest } from './use-latest.ts'

/** A client, or the options to create one. */
export type UploadClientProviderProps = ClientProps | OptionProps

interface ClientProps {
  readonly client: UploadClient
  /** Files that `useUploads` sends or follows to READY at the same time, each with one connection to the gateway. Default: 3. */
  readonly concurrency?: number | undefined
  readonly children?: ReactNode
}

interface OptionProps extends UploadClientOptions, Omit<ClientProps, 'client'> {
  readonly client?: undefined
}

/** A client, and how many files its queue uploads at the same time. */
type ProvidedClient = Pick<ClientProps, 'client' | 'concurrency'>

const ClientContext = createContext<ProvidedClient | null>(null)

/**
 * Provides the hooks below it with a client.
 *
 * Pass a `client` that was created outside of the component, or the options of `createUploadClient`, such as `url` and
 * `token`. If `url` or a `token` string changes, another client replaces the first, and the hooks show nothing of
 * the former user. A `token` function may differ in each render: the latest one is called. If it returns the
 * tokens of several users, give the provider the user's id as its `key`. Other options are read once.
 *
 * The uploads of `useUploads` go on whatever components are unmounted. They stop when the provider is unmounted or
 * gets another client, and can be resumed then.
 * @example
 * <UploadClientProvider url="https://uploads.example.com/graphql" token={() => session.getToken()}>
 *   <App />
 * </UploadClientProvider>
 */
export function UploadClientProvider(props: UploadClientProviderProps): ReactNode {
  return props.client === undefined
    ? createElement(OptionsProvider, props)
    : createElement(ClientProvider, props)
}

function ClientProvider({ client, concurrency, children }: ClientProps): ReactNode {
  useEffect(() => holdQueue(client), [client])
  const value = useMemo(() => ({ client, concurrency }), [client, concurrency])
  return createElement(ClientContext.Provider, { value }, children)
}

/** Keeps the client in its state, which React never discards, unlike a memo. */
function OptionsProvider(props: OptionProps): ReactNode {
  const { client: _none, concurrency, children, ...options } = props
  const { url, token } = options
  const latest = useLatest(options)
  const key = JSON.stringify([String(url), typeof token === 'string' ? token : typeof token])
  const create = () => ({
    key,
    client: createUploadClient(withLatestToken(renderable(options), latest)),
  })
  const [created, setCreated] = useState(create)
  if (created.key !== key) setCreated(create)
  return createElement(ClientProvider, { client: created.client, concurrency }, children)
}

/** A server sends no request, so that it may render with a relative URL, which only the page can resolve. */
function renderable(options: UploadClientOptions): UploadClientOptions {
  if (typeof window !== 'undefined') return options
  return { ...options, url: new URL(options.url, 'https://page.invalid') }
}

/** Returns the options with a `token` function that calls the one of the latest render. */
function withLatestToken(
  options: UploadClientOptions,
  latest: { readonly current: UploadClientOptions },
): UploadClientOptions {
  const first = options.token
  if (typeof first !== 'function') return options
  return {
    ...options,
    token() {
      const { token } = latest.current
      return typeof token === 'function' ? token() : first()
    },
  }
}

/**
 * Returns the client of the nearest UploadClientProvider, for single operations such as `client.delete(uid)`.
 * @throws Error if there is no UploadClientProvider above the component
 */
export function useUploadClient(): UploadClient {
  return useProvidedClient().client
}

/** @throws Error if there is no UploadClientProvider above the component */
export function useProvidedClient(): ProvidedClient {
  const provided = useContext(ClientContext)
  if (provided === null)
    throw new Error('No UploadClientProvider found. Render one above this component.')
  return provided
}
