// One end in a process of its own: does what it is told over its parent's channel, and goes with its parent.

import { join } from '@shoal/node-peer';
import type { Mesh } from '@shoal/peer';
import { createMemberOps } from './member.ts';
import { createNodeOps } from './node.ts';
import { createRawOps, type BareConnectionClass } from './raw.ts';
import type { ShapedOptions } from './shaped.ts';
import { createLevelOps } from './store.ts';

/** An operation: of which group, its name, its arguments. */
export interface Ask {
  readonly id: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

export type Answer = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

type Operation = (...args: readonly never[]) => Promise<unknown>;

let mesh: Mesh | undefined;
const groups = new Map<string, object>([
  ['node', createNodeOps()],
  ['store', createLevelOps()],
]);

const own = {
  /** Bare channels of the implementation that members use. */
  async bare() {
    const { RTCPeerConnection } = await import('node-datachannel/polyfill');
    groups.set('raw', createRawOps(RTCPeerConnection as unknown as BareConnectionClass));
  },
  /** With `bytesPerSecond`, over links held to that rate. */
  async join(options: ShapedOptions, bytesPerSecond?: number) {
    mesh = await (bytesPerSecond === undefined
      ? join(options)
      : (await import('./shaped.ts')).joinShaped(options, bytesPerSecond));
    groups.set('member', createMemberOps(mesh));
    return mesh.id;
  },
  /** Joins, keeping nothing, reads a key and leaves in order. */
  async visit(url: string, key: string) {
    const visitor = await join({ url, workers: 0 });
    if ((await visitor.get(key)) === undefined) throw new Error(`${key} is absent`);
    await visitor.leave();
  },
};
groups.set('own', own);
export type OwnOps = typeof own;

process.on('message', ({ id, op, args }: Ask) => {
  run(op, args).then(
    (value) => answer({ id, value }),
    (error: unknown) => answer({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

async function run(op: string, args: readonly unknown[]): Promise<unknown> {
  const [group = '', name = ''] = op.split('.');
  const operation = (groups.get(group) as Record<string, Operation> | undefined)?.[name];
  if (operation === undefined) throw new Error(`no operation ${op} here`);
  return operation(...(args as never[]));
}

function answer(message: Answer): void {
  process.send?.(message);
}
