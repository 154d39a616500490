// What the model needs of the page, so that it has no DOM: composed by `main.tsx`.

import type { DatasetInfo, JsonValue, LoadProgress, LogLine, Mesh, UdfFailure } from '@shoal/peer';
import type { Clock, MeshError } from '@shoal/shared';

/** Small texts that outlive a reload. Nothing is kept where the browser refuses. */
export interface Memory {
  get(name: string): string | undefined;
  set(name: string, text: string): void;
}

export interface StoreInfo {
  readonly kind: 'indexed-db' | 'memory';
  /** Why it is memory. */
  readonly refusal?: string;
}

export interface JoinedMember {
  readonly mesh: Mesh;
  readonly store: StoreInfo;
  /** Keeps the name with the store, for the tab that takes it next. */
  rememberName(name: string): void;
}

export type StartStep = 'store' | 'registrar' | 'admission';

export interface StartOptions {
  readonly workers: number;
  readonly token?: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: StartStep) => void;
  /** Nothing changes in the mesh: this tab waits until it is put right, and joins then. */
  readonly onFrozen: (error: MeshError) => void;
}

/** A file of the page or one of the samples that come with it. */
export type FileChoice =
  | { readonly kind: 'file'; readonly file: FileLike }
  | { readonly kind: 'sample'; readonly name: string };

/** What the model reads of a `File`. */
export interface FileLike {
  readonly name: string;
  readonly size: number;
}

export interface LoadAsk {
  readonly name: string;
  readonly replace: boolean;
  readonly textColumns: readonly string[];
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadProgress) => void;
}

export interface DryRunAsk {
  readonly source: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly params: JsonValue | undefined;
  readonly signal: AbortSignal;
}

export type DryRunAnswer =
  | {
      readonly kind: 'rows';
      readonly rows: readonly Readonly<Record<string, unknown>>[];
      readonly logs: readonly LogLine[];
    }
  | { readonly kind: 'value'; readonly value: unknown; readonly logs: readonly LogLine[] }
  | {
      readonly kind: 'failed';
      readonly failure: Pick<UdfFailure, 'message' | 'line' | 'column' | 'rowNumber'>;
      readonly logs: readonly LogLine[];
    };

export interface PagePorts {
  readonly meshName: string;
  readonly clock: Clock;
  readonly memory: Memory;
  /** Processors that the browser tells of. */
  readonly processors: number;
  start(options: StartOptions): Promise<JoinedMember>;
  load(mesh: Mesh, file: FileChoice, ask: LoadAsk): Promise<DatasetInfo>;
  /** Runs a UDF on some rows here, in the cage. */
  dryRun(mesh: Mesh, ask: DryRunAsk): Promise<DryRunAnswer>;
  /** Address of this mesh's page, with the token if there is one. */
  inviteLink(): string;
}
