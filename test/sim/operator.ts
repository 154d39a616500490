// The operator: gives up who lost its disk, and serves what is left where nothing newer is.

import { toMeshError, type MeshError } from '@shoal/shared';
import type { Mesh } from '@shoal/peer';
import type { SimMember } from './sim-member.ts';
import type { Stage } from './stage.ts';

const AGAIN_MS = 1_000;

/** Says so again until it is heard. */
export function forget(stage: Stage, lost: SimMember, forgotten: () => void): void {
  const { id } = lost;
  const again = (): void => void stage.world.after(AGAIN_MS, () => forget(stage, lost, forgotten));
  const mesh = stage.membersUp().find((member) => member !== lost)?.run?.mesh;
  if (id === undefined) return forgotten();
  if (mesh === undefined) return again();
  let isAnswered = false;
  const answered = (then: () => void): void => {
    if (!isAnswered) then();
    isAnswered = true;
  };
  // Whom it was said to may die.
  stage.world.after(10 * AGAIN_MS, () => answered(again));
  mesh.forget(id).then(
    () => answered(forgotten),
    (thrown: unknown) => {
      const error = toMeshError(thrown);
      stage.world.deliver(`forget refused: ${error.code}`);
      if (areOlderLeft(error) && !isAnyCutOff(stage, mesh)) recover(stage, mesh);
      answered(error.code === 'no-member' ? forgotten : again);
    },
  );
}

function areOlderLeft({ code, message }: MeshError): boolean {
  return code === 'forbidden' && message.includes('use recover');
}

/** Whether a copy lives that the mesh does not hear of: a person sees that, and heals the network first. */
function isAnyCutOff(stage: Stage, mesh: Mesh): boolean {
  const away = new Set(mesh.status().members.flatMap(({ id, state }) => (state === 'away' ? [id] : [])));
  const isAlive = (id: string): boolean =>
    stage.members.some((member) => member.id === id && member.run?.isOver === false);
  return stage.registrar.rows().some(({ copies }) => copies.some(({ member }) => away.has(member) && isAlive(member)));
}

/** Serves older copies: what those slots answer from then on is nobody's promise. */
function recover(stage: Stage, mesh: Mesh): void {
  mesh.recover().then(
    ({ slots }) => {
      for (const { slot } of slots) stage.recovered.add(slot);
      stage.world.deliver(`recovered ${slots.map(({ slot }) => slot).join()}`);
    },
    (error: unknown) => stage.world.deliver(`recover refused: ${toMeshError(error).code}`),
  );
}
