// What only a member itself knows, told to whoever asks: `shoal status` and the page show links that are
// not their own.

import { MeshError, parsePeerId, type PeerId } from '@shoal/shared';
import type { CallOptions, LinkView, MemberReport } from './api.ts';
import type { MeshLinks } from './mesh/mesh.ts';
import type { Services } from './ports/services.ts';
import type { RangeStore } from './store/range-store.ts';

const SERVICE = 'status';

export function serveReports(parts: {
  readonly self: PeerId;
  readonly services: Services;
  readonly links: MeshLinks;
  readonly store: RangeStore;
}): () => void {
  return parts.services.serve(SERVICE, async () => {
    const report: MemberReport = { id: parts.self, links: parts.links.views(), store: parts.store.view() };
    // As JSON: the head's encoding has no `undefined`.
    return { body: JSON.stringify(report) };
  });
}

export async function askReport(services: Services, member: PeerId, options?: CallOptions): Promise<MemberReport> {
  const { body } = await services.ask(member, SERVICE, {}, options);
  const report: unknown = typeof body === 'string' ? JSON.parse(body) : undefined;
  if (isReport(report)) return report;
  throw new MeshError('bad-frame', `${member} answered the question for its status with something else.`);
}

function isReport(report: unknown): report is MemberReport {
  if (typeof report !== 'object' || report === null || !('links' in report) || !('store' in report)) return false;
  return Array.isArray(report.links) && report.links.every(isLinkView) && hasStops(report.store);
}

function hasStops(store: unknown): boolean {
  if (typeof store !== 'object' || store === null || !('stops' in store)) return false;
  const stops: unknown = store.stops;
  if (typeof stops !== 'object' || stops === null) return false;
  const figures = new Map(Object.entries(stops));
  return ['moves', 'forced', 'longestMs', 'p99Ms'].every((name) => typeof figures.get(name) === 'number');
}

function isLinkView(view: unknown): view is LinkView {
  return (
    typeof view === 'object' &&
    view !== null &&
    'member' in view &&
    parsePeerId(view.member) !== undefined &&
    'state' in view
  );
}
