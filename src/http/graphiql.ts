/** GraphiQL as the gateway shows it: example operations, and subscriptions over server-sent events. */
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

export const GRAPHIQL: GraphiQLOptions = {
  title: 'headgate',
  defaultQuery: FIRST_TAB,
  subscriptionsProtocol: 'SSE',
  shouldPersistHeaders: true,
}
