// The composition root of Node: a member over a disk, worker threads and native data channels.

import {
  createMemoryStorage,
  createPeer,
  createSimplePeerTransport,
  createSocketIoRendezvous,
  type IceTransportPolicy,
  type Mesh,
} from '@shoal/peer';
import {
  abortable,
  createSystemClock,
  createSystemRandom,
  type Logger,
  type MemberKind,
  type MeshError,
  type PeerId,
  silentLogger,
  throwIfAborted,
} from '@shoal/shared';
import { openLevelStorage } from './adapters/level-storage.ts';
import { endingRtc, loadRtc } from './adapters/rtc.ts';
import { createThreadWorkerHost } from './adapters/thread-worker-host.ts';
import { defaultName, defaultWorkers, parseMeshAddress } from './config.ts';
import { hostDomain } from './host-domain.ts';

export interface JoinOptions {
  /** The server's, such as `http://127.0.0.1:8080`, or a link of its Invite button. */
  readonly url: string;
  /** `main` unless the URL names one. */
  readonly mesh?: string;
  readonly token?: string;
  /** Identity and values stay here; without it the member is a new one each time and keeps nothing. */
  readonly dataDir?: string;
  /** Owns nothing while there are members that last; so without a data folder. */
  readonly ephemeral?: boolean;
  /** 1 to 16: its share of the slots among the others'; by default of its workers and free bytes. */
  readonly weight?: number;
  /** Members of one domain fail together, and no two copies are in one if there are more: by default the host. */
  readonly domain?: string;
  readonly name?: string;
  /** Functions that run at the same time: cores − 1, at most 8. */
  readonly workers?: number;
  /** A `command` owns nothing, changes nothing, and dials only whom it needs. */
  readonly kind?: MemberKind;
  readonly joinTimeoutMs?: number;
  /** The server's table is lost or old, and nothing changes: waits until it is put right, after this. Absent: rejects `stale-table`. */
  readonly onFrozen?: (error: MeshError) => void;
  /** `relay`: connections over TURN servers only, to all members or to those for which it says so. */
  readonly iceTransportPolicy?: IceTransportPolicy | ((member: PeerId) => IceTransportPolicy);
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

/** Resolves when this process is a member. Rejects with a code that says why not; then nothing is left open, or, when the signal ended it, soon. */
export async function join(options: JoinOptions): Promise<Mesh> {
  const { signal, kind = 'node', logger = silentLogger } = options;
  throwIfAborted(signal);
  const address = parseMeshAddress(options.url, options);
  const [clock, random] = [createSystemClock(), createSystemRandom()];
  const storage = options.dataDir === undefined ? createMemoryStorage() : await openLevelStorage(options.dataDir);
  const workerHost = createThreadWorkerHost();
  const joining = createPeer(
    {
      storage,
      workerHost,
      clock,
      random,
      logger,
      rendezvous: createSocketIoRendezvous({
        url: address.url,
        mesh: address.mesh,
        ...(address.token === undefined ? {} : { token: address.token }),
      }),
      createTransport: (context) =>
        endingRtc(
          createSimplePeerTransport({
            ...context,
            rtc: loadRtc(),
            iceTransportPolicy: policyOf(options),
            clock,
            random,
            logger,
          }),
        ),
    },
    {
      mesh: address.mesh,
      name: options.name ?? defaultName(options.dataDir, random),
      kind,
      workers: options.workers ?? defaultWorkers(),
      domain: options.domain ?? hostDomain(),
      ephemeral: options.ephemeral === true || options.dataDir === undefined,
      ...(options.weight === undefined ? {} : { weight: options.weight }),
      ...(options.joinTimeoutMs === undefined ? {} : { joinTimeoutMs: options.joinTimeoutMs }),
      ...(options.onFrozen === undefined ? {} : { onFrozen: options.onFrozen }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  try {
    return await abortable(joining, signal);
  } catch (error) {
    const cleared = joining.then(
      (late) => late.leave({ handOver: false }),
      async () => {
        await workerHost.close();
        await storage.close();
      },
    );
    // Cancelled while it was on its way, it leaves as soon as it is in: the caller does not wait for that.
    if (signal?.aborted === true) cleared.catch((late: unknown) => logger.warn('lateLeaveFailed', { error: late }));
    else await cleared;
    throw error;
  }
}

function policyOf({ iceTransportPolicy = 'all' }: JoinOptions): (member: PeerId) => IceTransportPolicy {
  return typeof iceTransportPolicy === 'function' ? iceTransportPolicy : () => iceTransportPolicy;
}
