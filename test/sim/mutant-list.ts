// The faults that the simulation must find, each a line of the product and what stands there instead.

export interface Mutant {
  readonly name: string;
  /** The invariants of the protocol that it breaks. */
  readonly breaks: string;
  readonly file: string;
  readonly text: string;
  readonly replacement: string;
  /** Known to be found within some twenty seeds: `npm test` plants it. */
  readonly isQuick?: true;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'acknowledge before the backups',
    breaks: 'I4',
    isQuick: true,
    file: 'peer/src/store/writes.ts',
    text: '(mustGo() || !isEverywhere(context, cell, open))',
    replacement: 'mustGo()',
  },
  {
    name: 'acknowledge before it is stored',
    breaks: 'I4',
    isQuick: true,
    file: 'peer/src/store/writes.ts',
    text: '    await write;\n    return undefined;',
    replacement: '    write.catch(() => undefined);\n    return undefined;',
  },
  {
    name: 'ignore the lease',
    breaks: 'I1',
    isQuick: true,
    file: 'peer/src/store/create-context.ts',
    text: 'for (const copy of otherCopies(cell, deps.self)) if (!leases.holds(copy)) return false;',
    replacement: '',
  },
  {
    name: "the new backup's lease is not needed",
    breaks: 'I5',
    file: 'peer/src/store/create-context.ts',
    text: 'return leases.holds({ member: state.handOff.to, incarnation: state.handOff.incarnation });',
    replacement: 'return true;',
  },
  {
    name: 'grace shorter than lease',
    breaks: 'I16',
    isQuick: true,
    file: 'peer/src/store/lease-state.ts',
    text: '>= limits.graceMs;',
    replacement: '>= limits.graceMs / 4;',
  },
  {
    name: 'a pair lease counted with an older table',
    breaks: 'I16',
    isQuick: true,
    file: 'peer/src/store/lease-state.ts',
    text: 'if (compareTableEpochs(table, own) <= 0) {',
    replacement: 'if (table !== own) {',
  },
  {
    name: 'say yes while a claim is out',
    breaks: 'I16',
    file: 'peer/src/store/lease-state.ts',
    text: 'const isClaiming = granted.claims > 0 || compareTableEpochs(own, granted.until) < 0;',
    replacement: 'const isClaiming = false;',
  },
  {
    name: 'believe the monotonic clock after a suspend',
    breaks: 'I16',
    isQuick: true,
    file: 'shared/src/elapsed.ts',
    text: 'from.longerMs + Math.max(byMonotonic, byWall)',
    replacement: 'from.longerMs + byMonotonic',
  },
  {
    name: 'skip settling on take-over',
    breaks: 'I9, I7',
    isQuick: true,
    file: 'peer/src/store/slot-state.ts',
    text: 'if (state.alone) return finish(state);',
    replacement: 'return finish(state);',
  },
  {
    name: 'settle without finishing what was accepted',
    breaks: 'I9',
    file: 'peer/src/store/settle-copy.ts',
    text: 'await parts.idle();',
    replacement: '',
  },
  {
    name: 'count what only a dropped copy remembers',
    breaks: 'I14',
    file: 'peer/src/store/settle.ts',
    text: 'each.remembered = frame.remembered;',
    replacement: 'for (const { id, version } of frame.remembered) context.memory.add(cell.slot, id, version);',
  },
  {
    name: 'an owner that missed an epoch serves on',
    breaks: 'I9',
    file: 'peer/src/store/owner-state.ts',
    text: "if (meaning === 'mine-emptied' || row.epoch > state.epoch + 1)",
    replacement: "if (meaning === 'mine-emptied')",
  },
  {
    name: 'last arrival wins',
    breaks: 'I10',
    file: 'peer/src/store/moved-records.ts',
    text: 'return before === undefined || compareVersions(before, record.head.version) < 0 ?',
    replacement: 'return before === undefined || compareVersions(before, record.head.version) !== 0 ?',
  },
  {
    name: 'a restarted process resumes its role',
    breaks: 'I11',
    file: 'peer/src/store/slot.ts',
    text: "if (copy.incarnation !== self.incarnation) return 'replaced';",
    replacement: '',
  },
  {
    name: 'no "still there?"',
    breaks: 'I17',
    file: 'signaling-server/src/decision.ts',
    text: 'if (!isContested(change) || !presence.has(accused)) return undefined;',
    replacement: 'if (presence !== undefined) return undefined;',
  },
  {
    name: 'any relaxed copy revives',
    breaks: 'I4',
    file: 'signaling-server/src/revival.ts',
    text: 'if (missing.length > 0) return undefined;',
    replacement: '',
  },
  {
    name: "only the last configuration's copies revive",
    breaks: 'I4',
    file: 'signaling-server/src/revival.ts',
    text: '      if (now === undefined) return undefined;\n',
    replacement: '      if (now === undefined) continue;\n',
  },
  {
    name: 'a revived slot changes before it is settled',
    breaks: 'I4',
    file: 'signaling-server/src/decision.ts',
    text: "if (!row.settled) return refused('frozen');",
    replacement: '',
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
    text: 'if (version !== undefined) return done(',
    replacement: 'if (version === undefined && frame === undefined) return done(',
  },
  {
    name: 'carry out what is older than the memory',
    breaks: 'I14',
    file: 'peer/src/store/write-checks.ts',
    text: 'if (isForgotten(context, cell, frame, heads)) {',
    replacement: 'if (frame === undefined) {',
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
    text: "if (!isServing(cell, stay) || !context.mayAnswer(cell)) return { kind: 'again' };",
    replacement: '',
  },
  {
    name: 'serve a kept value of an earlier stay',
    breaks: 'I7',
    file: 'peer/src/store/value-cache.ts',
    text: 'if (entry === undefined || entry.stay === stay) return entry;',
    replacement: 'if (stay >= 0) return entry;',
  },
  {
    name: 'serve while learner',
    breaks: 'I1, I7',
    file: 'peer/src/store/admission.ts',
    text: "    case 'learner':\n",
    replacement: "    case 'learner':\n      if (cell.state.role === 'learner') return { kind: 'serve' };\n",
  },
  {
    name: 'serve while backup',
    breaks: 'I1, I7',
    file: 'peer/src/store/admission.ts',
    text: "    case 'backup':\n",
    replacement: "    case 'backup':\n      if (cell.state.role === 'backup') return { kind: 'serve' };\n",
  },
  {
    name: 'seal without waiting for open writes',
    breaks: 'I4',
    file: 'peer/src/store/owner-state.ts',
    text: "if (state.step !== 'draining' || state.open > 0 || handOff === undefined)",
    replacement: "if (state.step !== 'draining' || handOff === undefined)",
  },
  {
    name: 'add a learner with other digests',
    breaks: 'I12',
    file: 'peer/src/store/handoff.ts',
    text: 'const equal = digestsEqual(digest, cell.digest);',
    replacement: 'const equal = true;',
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
    replacement: 'if (row === undefined) {',
  },
  {
    name: 'same counter after a take-over, no epoch in the version',
    breaks: 'I6',
    file: 'peer/src/store/owner-state.ts',
    text: 'return { epoch: state.epoch, counter: state.counter };',
    replacement: 'return { epoch: 1, counter: state.counter };',
  },
  {
    name: 'no compare of the epoch',
    breaks: 'I2',
    file: 'signaling-server/src/decision.ts',
    text: "if (row === undefined || row.epoch !== epoch) return refused('epoch');",
    replacement: "if (row === undefined) return refused('epoch');",
  },
  {
    name: 'the registrar answers before its file is synced',
    breaks: 'I3',
    file: 'signaling-server/src/proposals.ts',
    text: 'await state.commit();\n    const { term, epoch, rows } = state.durable;',
    replacement: 'void state.commit().catch(() => undefined);\n    const { term, epoch, rows } = state.table;',
  },
  {
    name: 'an old file is believed',
    breaks: 'I3',
    file: 'signaling-server/src/joining.ts',
    text: '  assertSameHistory(state, ask);\n',
    replacement: '',
  },
  {
    name: 'serve what an operator gave up',
    breaks: 'I13',
    file: 'peer/src/store/slot-records.ts',
    text: 'if (head.version.epoch < emptyBefore) {',
    replacement: 'if (slot < 0) {',
  },
  {
    name: 'trust an old incarnation: it goes on beside a newer one',
    breaks: 'I11',
    file: 'signaling-server/src/joining.ts',
    text: 'await ended(state, older);',
    replacement: '',
  },
  {
    name: 'the registrar promotes by itself',
    breaks: 'I2',
    file: 'signaling-server/src/wish.ts',
    text: '    this.#previous = wished;\n',
    replacement: `    this.#previous = wished;
    const moved = [...wished].find(([slot, [first]]) => first !== undefined && state.seats.has(first) && state.table.rows[slot]?.owner !== first);
    const entry = moved === undefined ? undefined : state.roster.get(moved[1][0])?.entry;
    if (moved !== undefined && entry !== undefined) {
      const row = must(state.table.rows[moved[0]], 'row');
      const { id: member, incarnation, durability } = entry;
      state.change([{ ...row, epoch: row.epoch + 1, owner: member, copies: [{ member, incarnation, durability }] }]);
      void state.commit();
    }
`,
  },
  {
    name: 'settle without closing the old epoch',
    breaks: 'I9',
    file: 'peer/src/store/slot-frames.ts',
    text: 'if (row === undefined || frame.epoch > row.epoch) return keep(context, cell, mail);',
    replacement: `if (row !== undefined && frame.epoch > row.epoch && frame.kind === 'take-epoch' && cell.state.role === 'backup') {
    const highest = { epoch: 0, counter: 0 };
    context.deps.send(from, { kind: 'taken', slot: cell.slot, epoch: frame.epoch, digest: cell.digest, highest, remembered: [] });
    return;
  }
  if (row === undefined || frame.epoch > row.epoch) return keep(context, cell, mail);`,
  },
  {
    name: 'drop a tombstone early, while a dropped copy keeps the slot',
    breaks: 'I13',
    file: 'peer/src/store/tombstones.ts',
    text: ' || (cell.row?.dropped.length ?? 0) > 0;',
    replacement: ';',
  },
  {
    name: 'a tombstone dropped with a hand-off open',
    breaks: 'I13',
    file: 'peer/src/store/tombstones.ts',
    text: 'cell.outgoing !== undefined || ',
    replacement: '',
  },
  {
    name: 'a returning member keeps its own keys',
    breaks: 'I12, I13',
    file: 'peer/src/store/learner.ts',
    text: `      await context.records.remove(cell.slot, keys);
`,
    replacement: '',
  },
  {
    name: 'half a put settled',
    breaks: 'I15',
    file: 'peer/src/store/settle.ts',
    text: 'await storeNewer(context, cell, { records,',
    replacement: 'await storeNewer(context, cell, { records: records.slice(0, 1),',
  },
  {
    name: "expiry by each copy's clock",
    breaks: 'I13',
    file: 'peer/src/store/reads.ts',
    text: "return { kind: 'expired', head: record.head };",
    replacement: "return { kind: 'answer', answer: { result: { kind: 'absent' }, payload: NO_PAYLOAD } };",
  },
  {
    name: 'hand over unsealed',
    breaks: 'I1',
    file: 'peer/src/store/owner-state.ts',
    text: "role: 'sealed', handOff, step: 'proposing' },\n    effects: [...sealed, { kind: 'propose-hand-over', handOff }],",
    replacement: "handOff },\n    effects: [...sealed, { kind: 'propose-hand-over', handOff }, { kind: 'unseal' }],",
  },
  {
    name: 'a kept value served unasked',
    breaks: 'I7',
    file: 'peer/src/store/reads.ts',
    text: 'const isMeant = record.head.contentNamed && ',
    replacement: 'const isMeant = ',
  },
  {
    name: 'a late first try acts after a refusal',
    breaks: 'I14',
    file: 'peer/src/store/write-checks.ts',
    text: `  if (refused !== undefined) return refused;
`,
    replacement: '',
  },
  {
    name: 'nobody takes over from who is gone',
    breaks: 'I19',
    file: 'peer/src/store/watch.ts',
    text: 'if (context.leases.mayTakeOver(owner, sinceMs(cell, owner))) takeOver(context, cell, owner);',
    replacement: '',
  },
];
