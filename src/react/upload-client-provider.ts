/** The client that the hooks of a component tree use. */
import {
  type ReactNode,
  createContext,
  createElement,
  useContext,
  useInsertionEffect,
  useRef,
  useState,
} from 'react'
import {
  type UploadClient,
  type UploadClientOptions,
  createUploadClient,
} from '../client/client.ts'

/** A client, or the options to create one. */
export type UploadClientProviderProps = ClientProps | OptionProps

interface ClientProps {
  readonly client: UploadClient
  readonly children?: ReactNode
}

interface OptionProps extends UploadClientOptions {
  readonly client?: undefined
  readonly children?: ReactNode
}

const ClientContext = createContext<UploadClient | null>(null)

/**
 * Provides the hooks below it with a client.
 *
 * Pass a `client` that was created outside of the component, or the options of `createUploadClient`, such as `url` and
 * `token`. If `url` or a `token` string changes, another client replaces the first, and the hooks show nothing of
 * the former user. A `token` function may differ in each render: the latest one is called. If it returns the
 * tokens of several users, give the provider the user's id as its `key`. Other options are read once.
 * @example
 * <UploadClientProvider url="https://uploads.example.com/graphql" token={() => session.getToken()}>
 *   <App />
 * </UploadClientProvider>
 */
export function UploadClientProvider(props: UploadClientProviderProps): ReactNode {
  const { children } = props
  return props.client === undefined
    ? createElement(CreatedClientProvider, props)
    : createElement(ClientContext.Provider, { value: props.client }, children)
}

/** Keeps its client in the state, which React never discards, unlike a memo. */
function CreatedClientProvider({ children, client: _client, ...options }: OptionProps): ReactNode {
  const latest = useRef(options)
  // Before the effects of the components below it, which send requests.
  useInsertionEffect(() => {
    latest.current = options
  })
  const key = JSON.stringify([
    String(options.url),
    typeof options.token === 'string' ? options.token : typeof options.token,
  ])
  const create = () => ({ key, client: createUploadClient(withLatestToken(options, latest)) })
  const [created, setCreated] = useState(create)
  if (created.key !== key) setCreated(create)
  return createElement(ClientContext.Provider, { value: created.client }, children)
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
 * @throws Error if no UploadClientProvider is above the component
 */
export function useUploadClient(): UploadClient {
  const client = useContext(ClientContext)
  if (client === null)
    throw new Error('No UploadClientProvider is above this component. Render it inside of one.')
  return client
}
