// Every number of the protocol, with its reason. Sizes are bytes, times milliseconds.

const KiB = 1024;
const MiB = 1024 * KiB;

export const limits = {
  /** A key's UTF-8: keys are compared, listed and kept in memory by the ten thousand. */
  keyBytes: 512,
  /** A value: what fits into memory several times over in a tab; larger things are manifests of parts. */
  valueBytes: 64 * MiB,
  /** A media type: RFC 6838 allows 127 characters on each side of the slash; nobody needs them. */
  mediaTypeBytes: 128,
  /** Writes in one Put: one storage batch. */
  writesPerPut: 4096,
  /** The encoded head of a frame: a part of a hand-off lists some hundred keys of 512 bytes. */
  frameHeadBytes: 1 * MiB,
  /** A frame: the largest value with its head, rounded up. */
  frameBytes: 66 * MiB,
  /** Keys or records that one frame lists: some hundred bytes each fit into the head. */
  listedPerFrame: 4096,
  /** Remembered requests in one frame: 80 bytes each fit into the head. */
  rememberedPerFrame: 8192,
  /** Of them in the answer of a copy that is settled with: an open write's id is in its record too. */
  rememberedPerSettle: 64,
  /** A sentence of an error; a longer one is cut when it is sent. */
  errorChars: 8192,
  /** The least fragment payload that a member may ask for: below, heads would outweigh it. */
  fragmentBytesLeast: 1 * KiB,
  /** Fragment payload before both ends have said what they take: the size that every browser takes. */
  fragmentBytesInitial: 16 * KiB,
  /** Fragment payload otherwise: works among all current browsers; 256 KiB measured no faster. */
  fragmentBytes: 64 * KiB,
  /** Frames that one link is joining at once; more is an attack or a bug. */
  framesJoining: 1024,
  /** Bytes that one link holds of frames not yet whole. */
  joiningBytes: 160 * MiB,
  /** Bytes that one link may queue to send; beyond, requests end with `busy` or wait for room. */
  outboundBytes: 256 * MiB,
  /** Frames that one link may queue to send. */
  outboundFrames: 65_536,
  /** The channel's own buffer above which no fragment is handed over, and below which sending goes on. */
  channelHighBytes: 1 * MiB,
  channelLowBytes: 256 * KiB,
  /** Bytes that a receiver lets its sender have unread: credit. */
  creditBytes: 4 * MiB,
  /** Bytes on their way over a forwarding member, in each direction of a path: it keeps them all if the far end stands still. */
  pathWindowBytes: 512 * KiB,
  /** What a forwarding member keeps of one direction of a pair: the window, with room for heads and heartbeats. */
  pathHeldBytes: 1 * MiB,
  /** Requests that a member has open with others. */
  openRequests: 100_000,
  /** Of one member's, as many as another works on: who floods leaves room for the others. */
  openRequestsOfOne: 25_000,
  /** Gets that wait at one owner for keys nobody has put yet. */
  waitingGets: 10_000,
  /** The time that a request has when its caller gives none. */
  requestTimeoutMs: 30_000,
  /** The longest deadline for which a write is repeated by itself. */
  retryDeadlineMs: 60_000,
  /** Twice that: how long request ids are remembered, and how many of one member. */
  retryMemoryMs: 120_000,
  retryMemoryIds: 100_000,
  /** A dead copy is suspected before a lease ends; grace less lease covers clocks 10 % apart and late scheduling. */
  heartbeatMs: 1_000,
  suspicionMs: 2_000,
  leaseMs: 3_000,
  graceMs: 4_000,
  /** A dial: one in several hundred never opens, one in four takes a second. */
  dialMs: 5_000,
  /** Dials at once for each member: more hardly move the total and slow each down. */
  dialsAtOnce: 8,
  /** Waits between dials of one member: from, to; with jitter. */
  redialMinMs: 200,
  redialMaxMs: 5_000,
  /** The longest wait while another member forwards: a dial that fails costs both ends a connection. */
  redialForwardedMaxMs: 30_000,
  /** Without a direct link for this long another member is asked to forward: one dial in four takes a second. */
  forwardAfterMs: 2_000,
  /** A member that has heard nobody for this long, by either clock, serves nothing of its own. */
  unheardMs: 10_000,
  /** A tab that nobody has heard for this long is given up, empty. */
  tabGivenUpMs: 600_000,
  /** A tombstone's age: longer than any write-back of an operating system, any retry, any hand-off. */
  tombstoneMs: 3_600_000,
  /** The wish is recomputed at most this often. */
  wishMs: 2_000,
  /** No wish in the first seconds of a registrar that has a table, while members reconnect. */
  wishQuietMs: 10_000,
  /** Hand-offs that a member takes in at once. */
  incomingHandOffs: 4,
  /** Hand-offs open at once to one member, and in all: most slots are small and only cost round trips; bulk goes `incomingHandOffs` at a time. */
  handOffsAtOnce: 64,
  handOffsInAll: 128,
  /** Records of one message of a hand-off below which it is not bulk. */
  handOffSmallBytes: 32 * KiB,
  /** A hand-off waits so long for an instant without an open write; then new writes wait a round trip. */
  handOffQuietMs: 1_000,
  /** A learner that answers nothing for this long is given up. */
  stuckMs: 4_000,
  /** Frames about one slot kept until the row that they speak of comes. */
  keptSlotFrames: 64,
  /** Bytes of all of them, of all slots: anybody can name an epoch that never comes. */
  keptSlotBytes: 16 * MiB,
  /** Requests that wait at one slot: behind an open write, a seal or a newer row. */
  slotWaiting: 16_384,
  /** Refusals of one slot, kept so that a late first try is refused too. */
  refusedIds: 4_096,
  /** Deletes in memory that wait for their sweep. */
  sweepQueue: 100_000,
  /** Free bytes below which nothing more is taken in. */
  storageReserveBytes: 8 * MiB,
  /** Bytes of large values that a member reads from its storage at once; a larger one goes alone. */
  readingBytes: 32 * MiB,
  /** Bytes of one group commit; one larger write goes alone. */
  groupBytes: 8 * MiB,
  /** Bytes of one part of a hand-off, and of records on their way. */
  handOffPartBytes: 1 * MiB,
  /** The largest signaling message, and the largest signal in one: a table of 4,096 slots is some 50 KB, a signal under 16. */
  signalingBytes: 1 * MiB,
  signalBytes: 64 * KiB,
  /** Source of a UDF. */
  udfBytes: 1 * MiB,
  /** A UDF's deadline when its caller gives none. */
  taskTimeoutMs: 60_000,
  /** The dry run's. */
  dryRunMs: 1_000,
  /** What a task may print; the rest is counted. */
  logLines: 1_000,
  logBytes: 64 * KiB,
  /** Tasks waiting for a worker on one member. */
  queuedTasks: 100_000,
  /** Workers of one member. */
  workersMax: 8,
  /** Rows of a chunk, and bytes of its source. */
  chunkRows: 8_192,
  chunkSourceBytes: 1 * MiB,
  /** A name: of a mesh, member or dataset. */
  nameChars: 64,
} as const;

/** Slots of a mesh unless its registrar says otherwise (simulations run few). */
export const DEFAULT_SLOT_COUNT = 4_096;
