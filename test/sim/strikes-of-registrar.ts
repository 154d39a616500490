// Faults of the registrar: it stands still, or is started again, on its file, an old copy of it, or none.

import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';
import { hasAnyTwins, type Strike } from './strike-parts.ts';

/** Whether it has obeyed the newest table. */
function isUpToDate({ registrar }: Stage, { run, disk: { isLost } }: SimMember): boolean {
  if (isLost) return true;
  const status = run?.isOver === false ? run.mesh?.status() : undefined;
  return status?.term === registrar.newest.term && status.epoch === registrar.newest.epoch;
}

const otherFile: (kind: 'newest' | 'old' | 'none') => Strike = (kind) => (stage, _fault, state) => {
  const { registrar } = stage;
  if (state.registrarBusy || registrar.running === undefined || stage.watch.moves === 0) return 'missed';
  if (hasAnyTwins(stage, state)) return 'missed';
  if (kind === 'old' && !registrar.hasOldCopy) return 'missed';
  // Who does not know that a file is old would be believed if it came first (DECISIONS.md).
  if (kind === 'old' && !stage.members.every((member) => isUpToDate(stage, member))) return 'missed';
  // A member that never was in would make a new mesh where there is no table.
  if (kind === 'none' && stage.members.some(({ id, disk: { isLost } }) => id === undefined && !isLost)) return 'missed';
  state.registrarBusy = true;
  stage.world.outages.begin('registrar');
  registrar.kill();
  if (kind !== 'newest') {
    registrar.start(kind);
    state.registrarFile = kind;
    stage.setStarting(kind !== 'old');
  }
  return () => {
    registrar.kill();
    registrar.start('newest');
    stage.world.outages.end('registrar');
    state.registrarBusy = false;
    state.registrarFile = 'newest';
    stage.setStarting(true);
    state.registrarSinceMs = stage.world.nowMs();
  };
};

export const registrarStrikes = {
  'registrar-restart': otherFile('newest'),
  'registrar-old-file': otherFile('old'),
  'registrar-no-file': otherFile('none'),
  'registrar-freeze'(stage, _fault, state) {
    const { running } = stage.registrar;
    if (running === undefined || state.registrarBusy || hasAnyTwins(stage, state)) return 'missed';
    state.registrarBusy = true;
    running.process.freeze();
    return () => {
      running.process.wake();
      state.registrarBusy = false;
      state.registrarSinceMs = stage.world.nowMs();
    };
  },
} satisfies Readonly<Record<string, Strike>>;
