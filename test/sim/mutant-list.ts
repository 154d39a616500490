// The faults that the simulation must find, each a line of the product and what stands there instead.

export interface Mutant {
  readonly name: string;
  /** The invariants of the protocol that it breaks. */
  readonly breaks: string;
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledge before it is stored',
    breaks: 'I4',
    file: 'peer/src/store/writes.ts',
    text: 'await context.records.write(cell.slot, records);',
    replacement: 'context.records.write(cell.slot, records).catch(() => undefined);',
  },
  {
    name: 'forget the live writes during a hand-off',
    breaks: 'I4, I5',
    file: 'peer/src/store/writes.ts',
    text: 'cell.outgoing?.replicate(open);',
    replacement: '',
  },
  {
    name: 'apply a repeated request twice',
    breaks: 'I14',
    file: 'peer/src/store/write-checks.ts',
    text: 'if (version !== undefined) return done(version);',
    replacement: '',
  },
  {
    name: 'act on a first try that comes after its refusal',
    breaks: 'I14',
    file: 'peer/src/store/write-checks.ts',
    text: 'cell.refused.set(frame.id, answer);',
    replacement: '',
  },
  {
    name: 'carry out what is older than the memory',
    breaks: 'I14',
    file: 'peer/src/store/write-checks.ts',
    text: 'if (isForgotten(context, cell, frame, heads)) {',
    replacement: 'if (false) {',
  },
  {
    name: 'hand over without the remembered requests',
    breaks: 'I14',
    file: 'peer/src/store/learner.ts',
    text: 'context.memory.open(cell.slot, begin.reachMs ?? 0, begin.remembered);',
    replacement: 'context.memory.open(cell.slot, begin.reachMs ?? 0, []);',
  },
  {
    name: 'read beside an open write',
    breaks: 'I7',
    file: 'peer/src/store/reads.ts',
    text: "const release = await context.locks.acquire([key], 'read', signal);",
    replacement: 'const release = () => undefined;',
  },
  {
    name: 'answer what was read before the slot left',
    breaks: 'I1, I7',
    file: 'peer/src/store/reads.ts',
    text: "if (!isServing(cell, stay) || !context.deps.mayServe()) return { kind: 'again' };",
    replacement: '',
  },
  {
    name: 'serve a kept value of an earlier stay',
    breaks: 'I7',
    file: 'peer/src/store/value-cache.ts',
    text: 'if (entry === undefined || entry.stay === stay) return entry;',
    replacement: 'return entry;',
  },
  {
    name: 'serve while learner',
    breaks: 'I1, I7',
    file: 'peer/src/store/admission.ts',
    text: "    case 'learner':\n",
    replacement: "    case 'learner':\n      if (cell.state.role === 'learner') return { kind: 'serve' };\n",
  },
  {
    name: 'hand over unsealed',
    breaks: 'I1',
    file: 'peer/src/store/admission.ts',
    text: "    case 'sealed':\n",
    replacement: "    case 'sealed':\n      return { kind: context.deps.mayServe() ? 'serve' : 'wait' };\n",
  },
  {
    name: 'seal without waiting for open writes',
    breaks: 'I4',
    file: 'peer/src/store/slot-state.ts',
    text: "if (state.step !== 'draining' || state.open > 0 || state.handOff === undefined)",
    replacement: "if (state.step !== 'draining' || state.handOff === undefined)",
  },
  {
    name: 'hand over with unequal digests',
    breaks: 'I12',
    file: 'peer/src/store/handoff.ts',
    text: 'const equal = digestsEqual(digest, cell.digest);',
    replacement: 'const equal = true;',
  },
  {
    name: 'a learner that keeps what its owner lacks',
    breaks: 'I12, I13',
    file: 'peer/src/store/learner.ts',
    text: 'for (const key of keys) forget(key);',
    replacement: 'for (const key of keys) index.delete(key);\n      if (digest === digest) return;',
  },
  {
    name: 'the report of an abandoned hand-off counts',
    breaks: 'I5',
    file: 'peer/src/store/handoff.ts',
    text: "if (!('number' in frame) || frame.number !== number) return;",
    replacement: "if (!('number' in frame)) return;",
  },
  {
    name: 'accept an old epoch',
    breaks: 'I8',
    file: 'peer/src/store/slot-frames.ts',
    text: 'if (frame.epoch < row.epoch) {',
    replacement: 'if (false) {',
  },
  {
    name: 'no epoch in the version',
    breaks: 'I6',
    file: 'peer/src/store/slot-state.ts',
    text: 'return { epoch: state.epoch, counter: state.counter };',
    replacement: 'return { epoch: 1, counter: state.counter };',
  },
  {
    name: 'no compare of the epoch',
    breaks: 'I2',
    file: 'signaling-server/src/table.ts',
    text: 'if (row === undefined || row.epoch !== change.epoch) return',
    replacement: 'if (row === undefined) return',
  },
  {
    name: 'the registrar answers before its file is synced',
    breaks: 'I3',
    file: 'signaling-server/src/proposals.ts',
    text: 'await state.commit();\n    const { term, epoch, rows } = state.durable;',
    replacement: 'void state.commit().catch(() => undefined);\n    const { term, epoch, rows } = state.table;',
  },
  {
    name: 'the registrar moves slots by itself',
    breaks: 'I2',
    file: 'signaling-server/src/wish.ts',
    text: 'this.#previous = new Map(',
    replacement:
      'if (moves[0] !== undefined) {\n      const row = state.table.rows[moves[0].slot];\n      const taker = state.roster.get(moves[0].to)?.entry;\n      if (row !== undefined && taker !== undefined) {\n        const { incarnation, durability } = taker;\n        state.change([{ ...row, epoch: row.epoch + 1, owner: taker.id, copies: [{ member: taker.id, incarnation, durability }] }]);\n        void state.commit();\n      }\n    }\n    this.#previous = new Map(',
  },
  {
    name: 'an old file is believed',
    breaks: 'I3',
    file: 'signaling-server/src/joining.ts',
    text: 'if (state.frozen !== undefined) throw state.frozen;\n}',
    replacement: '}',
  },
  {
    name: 'serve what an operator gave up',
    breaks: 'I13',
    file: 'peer/src/store/slot-records.ts',
    text: 'if (head.version.epoch < emptyBefore) {',
    replacement: 'if (false) {',
  },
  {
    name: 'an older process goes on beside a newer one',
    breaks: 'I11',
    file: 'signaling-server/src/joining.ts',
    text: 'await ended(state, older);',
    replacement: '',
  },
  {
    name: 'a move of another process is believed',
    breaks: 'I11',
    file: 'signaling-server/src/mesh-state.ts',
    text: "if (seat.incarnation !== incarnation) return 'incarnation';",
    replacement: '',
  },
];
