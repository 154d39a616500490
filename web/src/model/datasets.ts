// The mesh's datasets as the page shows them: the list, where each lies, and the first rows of the
// chosen one. Others load and drop too, so the list is asked again now and then.

import { type DatasetInfo, lackOf, type Mesh } from '@shoal/peer';
import { effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { PagePorts } from './ports.ts';
import type { Session } from './session.ts';

export type { DatasetInfo } from '@shoal/peer';
export type PlainRow = Readonly<Record<string, unknown>>;

export interface Whereabout {
  readonly member: string;
  readonly name: string;
  readonly chunks: number;
  readonly bytes: number;
}

export interface Preview {
  readonly dataset: string;
  readonly createdAtMs: number;
  readonly rows: readonly PlainRow[];
}

export interface Datasets {
  /** Undefined until the mesh was asked for the first time. */
  readonly list: ReadonlySignal<readonly DatasetInfo[] | undefined>;
  readonly whereabouts: ReadonlySignal<ReadonlyMap<string, readonly Whereabout[]>>;
  readonly preview: ReadonlySignal<Preview | undefined>;
  readonly complaint: ReadonlySignal<string | undefined>;
  find(name: string): DatasetInfo | undefined;
  /** Asks the members again now. */
  refresh(): Promise<void>;
  drop(name: string): Promise<void>;
}

const ASK_EVERY_MS = 3_000;
const PREVIEW_ROWS = 50;

export function createDatasets(ports: PagePorts, session: Session, chosen: Signal<string>): Datasets {
  const list = signal<readonly DatasetInfo[] | undefined>(undefined);
  const whereabouts = signal<ReadonlyMap<string, readonly Whereabout[]>>(new Map());
  const preview = signal<Preview | undefined>(undefined);
  const complaint = signal<string | undefined>(undefined);
  const find = (name: string): DatasetInfo | undefined => list.value?.find((info) => info.name === name);

  /** Those that the members listed, and why that may not be all. */
  const askList = async (mesh: Mesh, ended: AbortSignal) => {
    const listed = await mesh.datasets({ signal: ended });
    const lack = lackOf(mesh.status().members)?.message;
    // What can't be listed just now is not gone, and what is chosen stays.
    const known = lack === undefined ? [] : (list.peek() ?? []);
    const kept = known.filter(({ name }) => listed.every((info) => info.name !== name));
    const infos = [...listed, ...kept].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (!ended.aborted && !isSame(list.peek(), infos)) {
      list.value = infos;
      const isThere = infos.some(({ name }) => name === chosen.peek());
      if (!isThere) chosen.value = infos[0]?.name ?? '';
    }
    return { listed, lack };
  };

  const askPlaces = async (mesh: Mesh, listed: readonly DatasetInfo[], ended: AbortSignal): Promise<void> => {
    const places = new Map<string, readonly Whereabout[]>();
    for (const { name } of listed) {
      const dataset = await mesh.dataset(name, { signal: ended });
      places.set(name, await dataset.whereabouts({ signal: ended }));
    }
    if (!ended.aborted) whereabouts.value = places;
  };

  const askPreview = async (mesh: Mesh, ended: AbortSignal): Promise<void> => {
    const info = find(chosen.peek());
    const shown = preview.peek();
    if (info === undefined) {
      preview.value = undefined;
      return;
    }
    if (shown?.dataset === info.name && shown.createdAtMs === info.createdAtMs) return;
    const dataset = await mesh.dataset(info.name, { signal: ended });
    const rows = await dataset.head(PREVIEW_ROWS, { signal: ended });
    if (!ended.aborted && chosen.peek() === info.name)
      preview.value = { dataset: info.name, createdAtMs: info.createdAtMs, rows };
  };

  let round: AbortController | undefined;
  const askAll = async (mesh: Mesh, ended: AbortSignal): Promise<void> => {
    try {
      const { listed, lack } = await askList(mesh, ended);
      if (!ended.aborted) complaint.value = lack;
      await askPreview(mesh, ended);
      await askPlaces(mesh, listed, ended);
      if (!ended.aborted) complaint.value = lack;
    } catch (error) {
      // A member that is away for a moment: the next round asks again.
      if (!ended.aborted) complaint.value = error instanceof Error ? error.message : String(error);
    }
  };

  const refresh = async (): Promise<void> => {
    const mesh = session.mesh.peek();
    round?.abort();
    if (mesh === undefined) return;
    round = new AbortController();
    await askAll(mesh, round.signal);
  };

  effect(() => {
    const mesh = session.mesh.value;
    if (mesh === undefined) {
      round?.abort();
      list.value = undefined;
      preview.value = undefined;
      return undefined;
    }
    let isOver = false;
    let stop = (): void => undefined;
    const again = async (): Promise<void> => {
      await refresh();
      if (!isOver) stop = ports.clock.setTimer(() => void again(), ASK_EVERY_MS);
    };
    void again();
    return () => {
      isOver = true;
      stop();
      round?.abort();
    };
  });

  effect(() => {
    void chosen.value;
    void refresh();
  });

  return {
    list,
    whereabouts,
    preview,
    complaint,
    find,
    refresh,
    drop: async (name) => {
      try {
        await session.mesh.peek()?.drop(name);
      } catch (error) {
        complaint.value = error instanceof Error ? error.message : String(error);
        return;
      }
      list.value = list.peek()?.filter((info) => info.name !== name);
      await refresh();
    },
  };
}

function isSame(before: readonly DatasetInfo[] | undefined, after: readonly DatasetInfo[]): boolean {
  return (
    before?.length === after.length &&
    before.every(({ name, createdAtMs }, i) => after[i]?.name === name && after[i]?.createdAtMs === createdAtMs)
  );
}
