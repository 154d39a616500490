// What a member tells others of its links: `shoal status` and the page show links that are not their own.

import type { LinkView } from './api.ts';
import type { MeshLinks } from './mesh/mesh.ts';
import type { Services } from './ports/services.ts';

/** Body of the answer: `LinkView[]`. */
export const LINKS_SERVICE = 'links';

export function serveLinkViews(services: Services, links: MeshLinks): () => void {
  return services.serve(LINKS_SERVICE, async () => {
    const views: readonly LinkView[] = links.views();
    return { body: views.map((view) => ({ ...view, roundTripMs: view.roundTripMs ?? null })) };
  });
}
