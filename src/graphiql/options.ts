/** GraphiQL options: example operations, and subscriptions over server-sent events. */
import type { GraphiQLOptions } from 'graphql-yoga'

const MINT = `# Creates a one-time upload URL. Then:
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

const FIND = `# Finds one upload.
# Enter its uid below, under Variables.
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

const WATCH_ALL = `# All changes to your uploads. Run it,
# then create an upload in another tab.
subscription WatchAll {
  uploadsChanged {
    uid
    name
    status
    version
  }
}
`

const WATCH = `# One upload, until its last status.
# Enter its uid below, under Variables.
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

const LIST = `# Your newest uploads, and your storage usage.
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

const UID = '{\n  "uid": ""\n}\n'

export const GRAPHIQL_OPTIONS: GraphiQLOptions = {
  title: 'headgate',
  defaultTabs: [
    { query: MINT },
    { query: FIND, variables: UID },
    { query: WATCH, variables: UID },
    { query: WATCH_ALL },
    { query: LIST },
  ],
  subscriptionsProtocol: 'SSE',
  // Persisted tokens would outlive the tab.
  shouldPersistHeaders: false,
}
