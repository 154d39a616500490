// A function run once, where its caller wants it: on a key's owner, on a member, or on the least busy one.

import { limits, MeshError, type PeerId, requireKey } from '@shoal/shared';
import type { CallTarget, UdfSource } from '../api.ts';
import { takesTasks } from './assignment.ts';
import { CALL_SERVICE } from './call-messages.ts';
import { decodeCloneable } from './cloneable-reader.ts';
import { encodeCloneable } from './cloneable-writer.ts';
import type { ComputeParts } from './compute.ts';
import { putUdf } from './job.ts';
import { BUSY_SERVICE, encodeMessage } from './task-messages.ts';
import { checkUdf } from './udf-check.ts';
import { createUdf, type Udf } from './udf.ts';

/** A member that does not say how busy it is within this is not the least busy one. */
const BUSY_MS = 1_000;
/** For the way there and back, beside the time of the function itself. */
export const WAY_MS = 5_000;

export async function callUdf(
  parts: ComputeParts,
  from: UdfSource | string,
  args: readonly unknown[],
  target: CallTarget = {},
): Promise<unknown> {
  const udf = await checkedFunction(from);
  const encodedArgs = encodeCloneable(args, 'args');
  const { signal } = target;
  const timeoutMs = target.timeoutMs ?? limits.taskTimeoutMs;
  const options = signal === undefined ? {} : { signal };
  const [member] = await Promise.all([memberFor(parts, target), putUdf(parts, udf, options)]);
  const payload = encodeMessage({ udf: udf.id, fileName: udf.fileName, args: encodedArgs, timeoutMs });
  const answer = await parts.services.ask(
    member,
    CALL_SERVICE,
    { payload },
    { ...options, timeoutMs: timeoutMs + WAY_MS },
  );
  return decodeCloneable(answer.payload);
}

/** Rejects `bad-udf` if it is none that can be called. */
export async function checkedFunction(from: UdfSource | string): Promise<Udf> {
  const udf = createUdf(from);
  const checked = await checkUdf(udf);
  if (checked.form !== 'function' && checked.form !== 'unknown') {
    throw new MeshError(
      'bad-udf',
      `${udf.fileName} exports { ${checked.form} } by default; to be called, it exports a plain function.`,
    );
  }
  return udf;
}

async function memberFor(parts: ComputeParts, target: CallTarget): Promise<PeerId> {
  const { values } = parts;
  const roster = values.members();
  if (target.member !== undefined) {
    const found = roster.find(({ id }) => id === target.member);
    if (found === undefined) throw new MeshError('no-member', `There is no member ${target.member} in the mesh.`);
    return found.id;
  }
  if (target.key !== undefined) {
    const owner = values.ownerOf(requireKey(target.key));
    if (owner === undefined) throw new MeshError('owner-away', `Nobody owns the key "${target.key}" now.`);
    return owner;
  }
  return leastBusy(
    parts,
    roster.filter(takesTasks).map(({ id }) => id),
    target.signal,
  );
}

async function leastBusy(
  parts: ComputeParts,
  members: readonly PeerId[],
  signal: AbortSignal | undefined,
): Promise<PeerId> {
  const [first, ...others] = members;
  if (first === undefined)
    throw new MeshError('no-workers', 'No member takes tasks: all are paused or give no workers.');
  if (others.length === 0) return first;
  const options = { timeoutMs: BUSY_MS, ...(signal === undefined ? {} : { signal }) };
  const loads = await Promise.all(
    members.map(async (member) => {
      try {
        return { member, load: loadOf((await parts.services.ask(member, BUSY_SERVICE, {}, options)).body) };
      } catch {
        // It does not answer: it is the busiest of all.
        return { member, load: Number.POSITIVE_INFINITY };
      }
    }),
  );
  return loads.reduce((least, one) => (one.load < least.load ? one : least)).member;
}

function loadOf(body: unknown): number {
  if (typeof body !== 'object' || body === null || !('workers' in body) || !('busy' in body) || !('queued' in body))
    return Number.POSITIVE_INFINITY;
  const { workers, busy, queued } = body;
  if (typeof workers !== 'number' || typeof busy !== 'number' || typeof queued !== 'number' || workers <= 0)
    return Number.POSITIVE_INFINITY;
  return (busy + queued) / workers;
}
