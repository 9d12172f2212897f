/** GraphiQL as the gateway shows it: example operations, and subscriptions over server-sent events. */
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import type { GraphiQLOptions } from 'graphql-yoga'

const MINT = `# Mints a one-time URL. Then send a video to it:
#   curl --form file=@video.mp4 UPLOAD_URL
mutation Mint {
  createDirectUpload(input: { maxDurationSeconds: 3600, name: "My first upload" }) {
    __typename
    ... on CreateDirectUploadSuccess {
      uploadURL
      upload {
        uid
        status
        expiresAt
      }
    }
    ... on Error {
      code
      message
    }
  }
}
`

const FIND = `# Finds one upload: put its uid below, under Variables.
query Find($uid: ID!) {
  upload(uid: $uid) {
    name
    status
    progress {
      receivedBytes
      totalBytes
      encodingPercent
    }
    failure {
      code
      message
    }
    history {
      at
      status
      source
    }
  }
}
`

const WATCH_ALL = `# Every change to any of your uploads, from now on: run it, then mint one in another tab.
subscription WatchAll {
  uploadsChanged {
    uid
    name
    status
    version
  }
}
`

const WATCH = `# One upload, from its present state to its last: put its uid below, under Variables.
subscription Watch($uid: ID!) {
  uploadStatus(uid: $uid) {
    status
    progress {
      receivedBytes
      totalBytes
      encodingPercent
    }
    video {
      durationSeconds
      previewURL
    }
    failure {
      code
      message
    }
  }
}
`

const LIST = `# Your newest uploads, and how the account's storage stands.
query List {
  uploads(first: 10) {
    totalCount
    nodes {
      uid
      name
      status
      createdAt
    }
  }
  storageUsage {
    limitMinutes
    storedMinutes
    reservedMinutes
  }
}
`

/** Where the token goes; a gateway without tokens does not look at it. */
const HEADERS = '{\n  "authorization": "Bearer PUT-YOUR-TOKEN-HERE"\n}\n'
const UID = '{\n  "uid": ""\n}\n'

const GRAPHIQL: GraphiQLOptions = {
  title: 'headgate',
  defaultTabs: [
    { query: MINT, headers: HEADERS },
    { query: FIND, headers: HEADERS, variables: UID },
    { query: WATCH, headers: HEADERS, variables: UID },
    { query: WATCH_ALL, headers: HEADERS },
    { query: LIST, headers: HEADERS },
  ],
  defaultHeaders: HEADERS,
  subscriptionsProtocol: 'SSE',
  // The token would outlive the tab.
  shouldPersistHeaders: false,
}

/** Makes the page, which is the same for everybody and loads nothing from anywhere else. */
export function createGraphiQLPage(): () => Promise<Response> {
  let prepared: Promise<{ readonly page: string; readonly policy: string }> | null = null
  return async () => {
    const { page, policy } = await (prepared ??= preparePage())
    return new Response(page, {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': policy,
      },
    })
  }
}

/** The one script of the page may run, by its hash, and no other. https://www.w3.org/TR/CSP3/ */
async function preparePage() {
  const page = renderGraphiQL(GRAPHIQL)
  const scripts = [...page.matchAll(/<script>([^]*?)<\/script>/g)]
  const hashes = await Promise.all(scripts.map(([, script = '']) => hashOf(script)))
  const policy = [
    "default-src 'none'",
    `script-src ${hashes.map((hash) => `'sha256-${hash}'`).join(' ')}`,
    // The editor makes its styles and its workers as it goes.
    "style-src 'unsafe-inline'",
    'worker-src blob:',
    "img-src 'self' data:",
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return { page, policy }
}

async function hashOf(script: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(script))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
}
