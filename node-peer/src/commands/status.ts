// `shoal status`: who is in the mesh and what each holds. What a member's links are like only that
// member knows, so each is asked; one that does not answer in time is shown without.

import type { Command } from 'commander';
import type { LinkView, Mesh, MemberView } from '@shoal/peer';
import { type PeerId, shortId } from '@shoal/shared';
import { callOptions, type CommandContext, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { printable, printJson, printLine } from '../output.ts';
import { formatTable } from '../text-table.ts';

/** A member that is asleep must not hold up the others' lines. */
const ASK_MS = 3_000;

export function statusCommand(): Command {
  return requestCommand('status', 'show the members, what each holds, and the links between them')
    .option('--json', 'print { mesh, term, epoch, slots, members: [{ id, name, kind, state, slots, links }] }')
    .action(async (flags: MeshFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const { mesh } = context;
        const status = mesh.status();
        const members = await Promise.all(
          status.members.filter((member) => !member.self).map((member) => describe(member, mesh, context)),
        );
        const { term, epoch, slots } = status;
        if (flags.json === true) return printJson({ mesh: status.mesh, term, epoch, slots, members });
        return printLine(`${status.mesh}: table ${term}.${epoch}, ${slots} slots\n${tableOf(members)}`);
      });
    });
}

type Described = Pick<MemberView, 'id' | 'name' | 'kind' | 'state' | 'durability' | 'workers' | 'slots'> & {
  /** Absent when it did not answer. */
  readonly links?: readonly LinkView[];
};

async function describe(member: MemberView, mesh: Mesh, context: CommandContext): Promise<Described> {
  const { id, name, kind, state, durability, workers, slots } = member;
  const known = { id, name, kind, state, durability, workers, slots };
  if (state === 'away' || kind === 'command') return known;
  try {
    const { links } = await mesh.statusOf(id, { ...callOptions(context), timeoutMs: ASK_MS });
    return { ...known, links };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return known;
  }
}

function tableOf(members: readonly Described[]): string {
  const names = new Map(members.map((member) => [member.id, member.name]));
  const rows = members.map((member) => [
    printable(member.name),
    shortId(member.id),
    member.kind,
    member.state,
    `${member.slots}`,
    `${member.workers}`,
    (member.links ?? []).map((link) => linkText(link, names)).join(', '),
  ]);
  return formatTable(['name', 'id', 'kind', 'state', 'slots', 'workers', 'links'], rows);
}

function linkText(link: LinkView, names: ReadonlyMap<string, string>): string {
  const nameOf = (member: PeerId): string => printable(names.get(member) ?? shortId(member));
  const via = link.via === undefined ? '' : ` via ${nameOf(link.via)}`;
  const trip = link.roundTripMs === undefined ? '' : ` ${link.roundTripMs.toFixed(1)} ms`;
  return `${nameOf(link.member)} ${link.state}${via}${trip}`;
}
