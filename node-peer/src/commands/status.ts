// `shoal status`: who is in the mesh, what each holds, and how safe the slots are. What a member's links are
// like only that member knows, so each is asked; one that does not answer in time is shown without.

import type { Command } from 'commander';
import {
  type LinkView,
  type Mesh,
  type MemberView,
  type MeshStatus,
  reasonOf,
  type SlotView,
  type StopsView,
  type Trouble,
  troublesOf,
} from '@shoal/peer';
import { formatSpans, shortId, spansOf, type PeerId } from '@shoal/shared';
import { callOptions, type CommandContext, type MeshFlags, requestCommand, withMesh } from '../command-line.ts';
import { printable, printJson, printLine } from '../output.ts';
import { formatTable } from '../text-table.ts';

interface StatusFlags extends MeshFlags {
  readonly slots?: boolean;
}

/** A member that is asleep must not hold up the others' lines. */
const ASK_MS = 3_000;

export function statusCommand(): Command {
  return requestCommand('status', 'show the members, what each holds, the links between them, and how safe slots are')
    .option('--slots', 'list each slot: health, epoch, owner, copies')
    .option(
      '--json',
      'print { mesh, term, epoch, slots, replicas, health, troubles, members: [{ id, name, kind, state, slots, copies, links, stops }], list? }',
    )
    .action(async (flags: StatusFlags, command: Command) => {
      await withMesh(command, flags, async (context) => {
        const { mesh } = context;
        const status = mesh.status();
        const slots = mesh.slots();
        const members = await Promise.all(
          status.members.filter((member) => !member.self).map((member) => describe(member, mesh, context)),
        );
        if (flags.json === true) return printJson(jsonOf(status, members, slots, flags));
        const nameOf = namesOf(members);
        await printLine(`${headOf(status, slots, nameOf)}\n${tableOf(members, nameOf)}`);
        if (flags.slots === true) await printLine(`\n${listOf(slots, nameOf)}`);
      });
    });
}

type Described = Omit<MemberView, 'incarnation' | 'self' | 'link'> & {
  /** Absent when it did not answer. */
  readonly links?: readonly LinkView[];
  readonly stops?: StopsView;
};

type NameOf = (member: PeerId) => string;

async function describe(member: MemberView, mesh: Mesh, context: CommandContext): Promise<Described> {
  const { incarnation: _incarnation, self: _self, link: _link, ...known } = member;
  if (member.state === 'away' || member.kind === 'command') return known;
  try {
    const { links, store } = await mesh.statusOf(member.id, { ...callOptions(context), timeoutMs: ASK_MS });
    return { ...known, links, stops: store.stops };
  } catch (error) {
    if (context.signal.aborted) throw error;
    return known;
  }
}

function jsonOf(
  { mesh, term, epoch, slots, replicas, health }: MeshStatus,
  members: readonly Described[],
  list: readonly SlotView[],
  flags: StatusFlags,
): unknown {
  const troubles = troublesOf(list).map((trouble) => ({ ...trouble, slots: formatSpans(spansOf(trouble.slots)) }));
  const shown = { mesh, term, epoch, slots, replicas, health, troubles, members };
  return flags.slots === true ? { ...shown, list } : shown;
}

function namesOf(members: readonly Described[]): NameOf {
  const names = new Map(members.map(({ id, name }) => [id, printable(name)]));
  return (id) => names.get(id) ?? shortId(id);
}

function headOf(
  { mesh, term, epoch, slots, replicas, health }: MeshStatus,
  list: readonly SlotView[],
  nameOf: NameOf,
): string {
  const copies = replicas === 1 ? 'one copy' : `${replicas} copies`;
  return [
    `${mesh}: table ${term}.${epoch}, ${slots} slots, ${copies} of each: ${formatHealth(health)}`,
    ...troublesOf(list).map((trouble) => formatTrouble(trouble, nameOf)),
  ].join('\n');
}

function formatHealth({ whole, degraded, moving, lost }: MeshStatus['health']): string {
  return `${whole} whole, ${degraded} degraded, ${moving} moving, ${lost} lost`;
}

/** A mesh of 4,096 slots whose owners are drawn by lot has a thousand spans. */
const SPANS_SHOWN = 12;

function formatTrouble(trouble: Trouble, nameOf: NameOf): string {
  const { health, slots } = trouble;
  const spans = spansOf(slots);
  const rest = spans.length - SPANS_SHOWN;
  const shown = `${formatSpans(spans.slice(0, SPANS_SHOWN))}${rest > 0 ? ` and ${rest} more spans (--slots)` : ''}`;
  return `${health}: ${slots.length === 1 ? 'slot' : `${slots.length} slots,`} ${shown}: ${reasonOf(trouble, nameOf)}`;
}

function tableOf(members: readonly Described[], nameOf: NameOf): string {
  const rows = members.map((member) => [
    printable(member.name),
    shortId(member.id),
    member.kind,
    member.state,
    `${member.slots}`,
    `${member.copies}`,
    `${member.durability}${member.ephemeral ? ', ephemeral' : ''}`,
    `${member.weight}`,
    // Who fails alone is its own domain.
    member.domain === member.id || member.domain === '' ? '-' : printable(member.domain).slice(0, DOMAIN_CHARS),
    `${member.workers}`,
    stopsText(member.stops),
    (member.links ?? []).map((link) => linkText(link, nameOf)).join(', '),
  ]);
  const head = [
    'name',
    'id',
    'kind',
    'state',
    'owns',
    'copies',
    'keeps',
    'weight',
    'domain',
    'workers',
    'longest stop',
    'links',
  ];
  return formatTable(head, rows);
}

const DOMAIN_CHARS = 12;

/** Of slots that it took over or gave away: the longest, that of 99 in 100, of how many. */
function stopsText(stops: StopsView | undefined): string {
  if (stops === undefined || stops.moves === 0) return '-';
  const { longestMs, p99Ms, moves } = stops;
  return `${longestMs.toFixed(0)} ms (99 % ${p99Ms.toFixed(0)} ms) of ${moves}`;
}

function linkText(link: LinkView, nameOf: NameOf): string {
  const via = link.via === undefined ? '' : ` via ${nameOf(link.via)}`;
  const trip = link.roundTripMs === undefined ? '' : ` ${link.roundTripMs.toFixed(1)} ms`;
  return `${nameOf(link.member)} ${link.state}${via}${trip}`;
}

function listOf(slots: readonly SlotView[], nameOf: NameOf): string {
  const rows = slots.map(({ slot, health, epoch, owner, copies }) => [
    `${slot}`,
    health,
    `${epoch}`,
    nameOf(owner),
    copies
      .filter((member) => member !== owner)
      .map(nameOf)
      .join(', '),
  ]);
  return formatTable(['slot', 'health', 'epoch', 'owner', 'other copies'], rows);
}
