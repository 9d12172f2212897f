/** GraphQL documents that select every field of an upload. */

const PLAYBACK = `
  token expiresAt hlsURL dashURL iframeURL thumbnailURL(width: 320) animatedThumbnailURL
`

const UPLOAD = `
  id uid protocol status version uploadURL expiresAt createdAt updatedAt creator name meta
  constraints { maxDurationSeconds maxSizeBytes allowedOrigins requireSignedURLs scheduledDeletion }
  progress { totalBytes receivedBytes encodingPercent }
  failure { code message }
  video {
    durationSeconds width height sizeBytes hlsURL dashURL thumbnailURL previewURL readyAt
    playback { ${PLAYBACK} }
  }
  history { status source at }
`

const ERRORS = `
  ... on Error { code message }
  ... on InvalidInputError { issues { path message } }
  ... on QuotaExceededError { requestedMinutes availableMinutes }
  ... on RateLimitedError { retryAfterSeconds }
  ... on StreamError { retryable }
`

export const MINT_BASIC = `mutation ($input: CreateDirectUploadInput!) {
  mint: createDirectUpload(input: $input) {
    __typename
    ... on CreateDirectUploadSuccess { uploadURL formField upload { ${UPLOAD} } }
    ${ERRORS}
  }
}`

export const MINT_TUS = `mutation ($input: CreateTusUploadInput!) {
  mint: createTusUpload(input: $input) {
    __typename
    ... on CreateTusUploadSuccess { uploadURL chunkSizeBytes upload { ${UPLOAD} } }
    ${ERRORS}
  }
}`

export const DELETE = `mutation ($uid: ID!) {
  deleteUpload(uid: $uid) {
    __typename
    ... on DeleteUploadSuccess { upload { ${UPLOAD} } }
    ... on UploadNotFoundError { uid }
    ... on Error { code message }
    ... on RateLimitedError { retryAfterSeconds }
    ... on StreamError { retryable }
  }
}`

export const UPDATE = `mutation ($input: UpdateUploadInput!) {
  updateUpload(input: $input) {
    __typename
    ... on UpdateUploadSuccess { upload { ${UPLOAD} } }
    ... on UploadNotFoundError { uid }
    ... on ConflictError { currentVersion }
    ${ERRORS}
  }
}`

export const UPLOAD_OF = `query ($uid: ID!) { upload(uid: $uid) { ${UPLOAD} } }`
export const PLAY = `query ($uid: ID!) { playback(uid: $uid) { ${PLAYBACK} } }`
export const UPLOADS = `query ($after: String, $filter: UploadFilter) {
  uploads(first: 50, after: $after, filter: $filter) {
    totalCount edges { cursor node { ${UPLOAD} } } nodes { ${UPLOAD} } pageInfo { endCursor }
  }
}`
export const NODES = `query ($id: ID!) {
  node(id: $id) { id ... on Upload { ${UPLOAD} } }
  nodes(ids: [$id]) { id ... on Upload { ${UPLOAD} } }
}`
export const STORAGE =
  '{ storageUsage { limitMinutes storedMinutes reservedMinutes availableMinutes videoCount } }'
export const RECOMMENDED =
  'query ($bytes: ByteCount!) { recommendedProtocol(sizeBytes: $bytes) { protocol required reason } }'
export const WATCH = `subscription ($uid: ID!) { uploadStatus(uid: $uid) { ${UPLOAD} } }`
export const WATCH_ALL = `subscription { uploadsChanged { ${UPLOAD} } }`
