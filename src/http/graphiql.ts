/** GraphiQL as the gateway shows it: example operations, and subscriptions over server-sent events. */
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import type { GraphiQLOptions } from 'graphql-yoga'

/** What GraphiQL opens with: a query to run at once. */
const FIRST_TAB = `# Mint a one-time URL, then send a video to it:
#   curl --form file=@video.mp4 UPLOAD_URL
mutation Mint {
  createDirectUpload(input: { maxDurationSeconds: 3600, name: "My first upload" }) {
    __typename
    ... on CreateDirectUploadSuccess {
      uploadURL
      formField
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

# Then watch it: put the uid from above between the quotes.
subscription Watch {
  uploadStatus(uid: "") {
    status
    version
    progress {
      receivedBytes
      totalBytes
      encodingPercent
    }
    video {
      durationSeconds
      width
      height
      previewURL
    }
    failure {
      code
      message
    }
  }
}

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
}
`

const GRAPHIQL: GraphiQLOptions = {
  title: 'headgate',
  defaultQuery: FIRST_TAB,
  subscriptionsProtocol: 'SSE',
  shouldPersistHeaders: true,
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
