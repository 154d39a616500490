// Proposals to the registrar, each repeated on every connection until its outcome is known: until then it
// may be written, and its slot waits (REPLICATION, section 4).

import {
  type Change,
  type Clock,
  type Configuration,
  createDeferred,
  decodeRows,
  type Deferred,
  limits,
  type Logger,
  MeshError,
  type Outcome,
  type Propose,
  sleep,
  toMeshError,
} from '@shoal/shared';

export interface ProposalsDeps {
  ask(propose: Propose): Promise<Outcome>;
  isConnected(): boolean;
  /** The rows that the registrar decided, before the proposer hears of it. */
  onRows(rows: readonly Configuration[]): void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Proposals {
  propose(changes: readonly Change[]): Promise<Outcome>;
  /** On a new connection. */
  resend(): void;
  close(): void;
}

interface Proposal {
  readonly id: number;
  readonly changes: readonly Change[];
  readonly outcome: Deferred<Outcome>;
  sending: boolean;
}

export function createProposals(deps: ProposalsDeps): Proposals {
  const open = new Map<number, Proposal>();
  let count = 0;

  async function send(proposal: Proposal): Promise<void> {
    if (proposal.sending) return;
    proposal.sending = true;
    try {
      const outcome = await deps.ask({ proposalId: proposal.id, changes: [...proposal.changes] });
      open.delete(proposal.id);
      deps.onRows(decodeRows(outcome.table.rows) ?? []);
      proposal.outcome.resolve(outcome);
    } catch (error) {
      proposal.sending = false;
      await sendLater(proposal, toMeshError(error));
    }
  }

  /** After a lost connection the next one sends it again; after anything else, such as `busy`, a while. */
  async function sendLater(proposal: Proposal, error: MeshError): Promise<void> {
    if (deps.signal.aborted) return;
    deps.logger.warn('proposalNotAnswered', { code: error.code, message: error.message });
    if (error.code === 'no-registrar') return;
    await sleep(deps.clock, limits.heartbeatMs, deps.signal).catch(() => undefined);
    if (open.has(proposal.id) && deps.isConnected()) await send(proposal);
  }

  return {
    propose: (changes) => {
      count += 1;
      const proposal: Proposal = { id: count, changes, outcome: createDeferred<Outcome>(), sending: false };
      open.set(proposal.id, proposal);
      if (deps.isConnected()) void send(proposal);
      return proposal.outcome.promise;
    },
    resend: () => {
      for (const proposal of open.values()) void send(proposal);
    },
    close: () => {
      for (const proposal of open.values()) {
        proposal.outcome.promise.catch(() => undefined);
        proposal.outcome.reject(new MeshError('closed', 'This member has left the mesh.'));
      }
      open.clear();
    },
  };
}
