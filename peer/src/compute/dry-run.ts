// A function tried on a few rows, here and at once: as one types, and to find out what a default export is
// if its text does not tell.

import { createDeferred, limits, MeshError, type PeerId, randomHex, type Random } from '@shoal/shared';
import type { DryRunResult, JsonValue, LogLine, UdfSource } from '../api.ts';
import { decodeCloneable } from './cloneable-reader.ts';
import type { LoadableUdf, Printed, TaskContext } from './runtime-protocol.ts';
import { checkUdf } from './udf-check.ts';
import { failureForPeople, inSource } from './udf-failure.ts';
import { meshUdf } from './udf-shelf.ts';
import { createUdf, type UdfForm } from './udf.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface DryRunOptions {
  readonly params?: JsonValue | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DryRunDeps {
  readonly self: { readonly id: string; name(): string };
  readonly random: Random;
  readonly pool: WorkerPool;
}

/** Rejects `bad-udf` (with line and column), `udf-timeout` after a second, or the signal's error. */
export async function dryRun(
  deps: DryRunDeps,
  from: UdfSource | string,
  { rows, params, signal }: DryRunOptions & { readonly rows: readonly Readonly<Record<string, unknown>>[] },
): Promise<DryRunResult> {
  const udf = createUdf(from);
  const { code } = await checkUdf(udf);
  const compiled = { code, source: udf.source };
  const loadable = meshUdf(compiled, udf.id, udf.fileName).loadable(randomHex(deps.random, 8));
  const context: TaskContext = { member: { id: deps.self.id, name: deps.self.name() }, seed: udf.id, chunk: 0 };
  const printed: Printed[] = [];
  // Who types does not wait for a worker to stop.
  const over = createDeferred<never>();
  const running = deps.pool.run({
    job: 'dry',
    instance: loadable.instance,
    timeoutMs: limits.dryRunMs,
    signal,
    onPrinted: (line) => printed.push(line),
    onOver: over.reject,
    work: (calls) => calls.dryRun({ udf: loadable, context, params: params ?? null, rows }),
  });
  over.promise.catch(() => undefined);
  const { outcome } = await Promise.race([running, over.promise]);
  const place = { fileName: udf.fileName, member: deps.self.id, memberName: deps.self.name() };
  const logs = printed.map((line) => shownLine(line, place));
  if (outcome.kind === 'failed') {
    return { kind: 'failed', failure: failureForPeople(inSource(compiled, outcome.failure), place), logs };
  }
  const { form, output } = outcome.value;
  const value = decodeCloneable(output);
  // Rows are what the worker made of them: plain objects.
  if (form === 'aggregate') return { kind: 'value', value, logs };
  return { kind: 'rows', rows: value as readonly Readonly<Record<string, unknown>>[], logs };
}

/** What a default export is, by loading it. */
export async function formByLoading(
  pool: WorkerPool,
  udf: LoadableUdf,
  options: { readonly signal: AbortSignal },
): Promise<UdfForm> {
  const { outcome } = await pool.run<UdfForm>({
    job: 'form',
    instance: udf.instance,
    timeoutMs: limits.dryRunMs,
    signal: options.signal,
    work: (calls) => calls.form(udf),
  });
  if (outcome.kind === 'done') return outcome.value;
  throw new MeshError(outcome.failure.code, outcome.failure.message, {
    detail: outcome.failure.line === undefined ? {} : { line: outcome.failure.line },
  });
}

function shownLine(
  { level, values, line }: Printed,
  place: { readonly member: string; readonly memberName: string },
): LogLine {
  return {
    member: place.member as PeerId,
    memberName: place.memberName,
    level,
    values: decodeCloneable(values) as readonly unknown[],
    ...(line === undefined ? {} : { line }),
  };
}
