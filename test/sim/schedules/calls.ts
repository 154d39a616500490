// What a schedule asks of its members, and what they answer: each call stays open until it is answered,
// and all of them together are the histories that are judged in the end.

import { isMeshError, type MeshError, type Version } from '@shoal/shared';
import type { GetOptions, Mesh, PutOptions } from '@shoal/peer';
import type { Ask, Operation, Told } from '../history.ts';
import { formatOperation } from '../history.ts';
import { checkHistory } from '../linearizable.ts';
import type { SimMember } from '../sim-member.ts';
import type { Watch } from '../watch.ts';
import type { World } from '../world.ts';

export interface Call {
  readonly isOver: boolean;
  /** `open`; what was read, `absent` if nothing; `done`, or `not done` of a delete of nothing; else the error's code. */
  readonly told: string;
  readonly error: MeshError | undefined;
  /** What was read or written. */
  readonly version: Version | undefined;
  /** Copies that a put was told. */
  readonly copies: number | undefined;
}

export interface Calls {
  get(member: SimMember, key: string, options?: GetOptions): Call;
  put(member: SimMember, key: string, value: string, options?: PutOptions): Call;
  /** `expected`: the value that stands for `options.expected` in the history. */
  cas(member: SimMember, key: string, value: string, options: CasOptions): Call;
  delete(member: SimMember, key: string, options?: PutOptions): Call;
  /** Keys whose histories nothing explains; empty if all is well. */
  judge(): readonly string[];
}

export interface CasOptions extends PutOptions {
  readonly was: string | undefined;
}

interface Answer {
  readonly told: Told;
  readonly text: string;
  readonly version?: Version;
  readonly copies?: number;
}

export function createCalls(world: World, watch: Watch): Calls {
  const operations: Operation[] = [];

  const begin = (member: SimMember, key: string, ask: Ask, run: (mesh: Mesh) => Promise<Answer>): Call => {
    const { run: process } = member;
    if (process?.mesh === undefined) throw new Error(`${member.name} is not in the mesh`);
    const call: { -readonly [Field in keyof Call]: Call[Field] } = {
      isOver: false,
      told: 'open',
      error: undefined,
      version: undefined,
      copies: undefined,
    };
    const place = operations.length;
    const asked: Operation = {
      key,
      ask,
      told: { kind: 'maybe' },
      from: world.stamp(),
      to: Infinity,
      by: 'schedule',
      at: process.process.name,
      atMs: world.nowMs(),
      untilMs: Infinity,
    };
    operations.push(asked);
    const over = (told: Told, text: string): void => {
      if (process.process.state === 'dead') return;
      call.isOver = true;
      call.told = text;
      const to = told.kind === 'maybe' ? Infinity : world.stamp();
      operations[place] = { ...asked, told, to, untilMs: world.nowMs(), note: text };
      const isAnswer = told.kind === 'read' || told.kind === 'done' || told.kind === 'not-done';
      if (isAnswer && process.process.state === 'running' && !watch.hasAsked(process.process, key, asked.from))
        watch.answeredHere(process.process, key, told.kind === 'done');
    };
    run(process.mesh).then(
      (answer) => {
        call.version = answer.version;
        call.copies = answer.copies;
        over(answer.told, answer.text);
      },
      (error: unknown) => {
        if (!isMeshError(error)) throw error;
        call.error = error;
        over(meaningOf(ask, error), error.code);
      },
    );
    return call;
  };

  const put = async (mesh: Mesh, key: string, value: string, options: PutOptions): Promise<Answer> => {
    const { version, copies } = await mesh.put(key, value, options);
    return { told: { kind: 'done' }, text: 'done', version, copies };
  };

  return {
    get: (member, key, options) =>
      begin(member, key, { kind: 'get' }, async (mesh) => {
        const entry = await mesh.getEntry(key, options);
        if (entry === undefined) return { told: { kind: 'read', value: undefined }, text: 'absent' };
        const value = String(entry.value);
        return { told: { kind: 'read', value }, text: value, version: entry.version };
      }),
    put: (member, key, value, options = {}) =>
      begin(member, key, { kind: 'put', value }, (mesh) => put(mesh, key, value, options)),
    cas: (member, key, value, { was, ...options }) =>
      begin(member, key, { kind: 'cas', expected: was, value }, (mesh) => put(mesh, key, value, options)),
    delete: (member, key, options) =>
      begin(member, key, { kind: 'delete' }, async (mesh) => {
        const wasThere = await mesh.delete(key, options);
        return { told: { kind: wasThere ? 'done' : 'not-done' }, text: wasThere ? 'done' : 'not done' };
      }),
    judge() {
      const keys = [...new Set(operations.map(({ key }) => key))];
      return keys.flatMap((key) => {
        const history = operations.filter((operation) => operation.key === key);
        const verdict = checkHistory(history);
        return verdict.kind === 'linearizable'
          ? []
          : [`${key}: ${verdict.kind}\n${history.map(formatOperation).join('\n')}`];
      });
    },
  };
}

const CERTAIN: ReadonlySet<string> = new Set(['version', 'degraded', 'storage-full', 'bad-argument']);

function meaningOf(ask: Ask, { code, detail }: MeshError): Told {
  if (ask.kind === 'get') return { kind: 'maybe' };
  if (ask.kind === 'cas' && code === 'version') return { kind: 'not-done' };
  return { kind: CERTAIN.has(code) || detail['maybeDone'] === false ? 'never' : 'maybe' };
}
