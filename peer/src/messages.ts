// Users' own messages: a value to a member, delivered to the listeners of its topic there.

import { createEmitter, type Logger, MeshError, type PeerId } from '@shoal/shared';
import type { CallOptions, MeshMessage, MeshValue } from './api.ts';
import { decodeValue, encodeValue } from './media.ts';
import type { Services } from './ports/services.ts';

const SERVICE = 'messages';
const TOPIC_CHARS = 256;

export interface Messages {
  /** Resolves when the member's listeners have been called; `bad-argument` if it has none for the topic. */
  send(member: PeerId, topic: string, value: MeshValue, options?: CallOptions): Promise<void>;
  onMessage(
    topic: string,
    listener: (message: MeshMessage) => void,
    options?: { readonly signal?: AbortSignal },
  ): () => void;
  close(): void;
}

export function createMessages(deps: { readonly services: Services; readonly logger: Logger }): Messages {
  const topics = createEmitter<Record<string, MeshMessage>>((error, topic) =>
    deps.logger.error('listenerThrew', { topic, error }),
  );
  const counts = new Map<string, number>();
  const stop = deps.services.serve(SERVICE, async ({ from, body, payload }) => {
    const { topic, mediaType } = parseBody(body);
    if ((counts.get(topic) ?? 0) === 0)
      throw new MeshError('bad-argument', `Nobody there listens to the topic "${topic}".`);
    topics.emit(topic, { from, topic, value: decodeValue(payload, mediaType) });
    return {};
  });
  return {
    send: async (member, topic, value, options) => {
      if (topic.length === 0 || topic.length > TOPIC_CHARS)
        throw new MeshError('bad-argument', `A topic has 1 to ${TOPIC_CHARS} characters.`);
      const { bytes, mediaType } = encodeValue(value, 'The message');
      await deps.services.ask(member, SERVICE, { body: { topic, mediaType }, payload: bytes }, options);
    },
    onMessage: (topic, listener, options) => {
      const unsubscribe = topics.on(topic, listener, options);
      counts.set(topic, (counts.get(topic) ?? 0) + 1);
      let subscribed = true;
      const end = (): void => {
        if (!subscribed) return;
        subscribed = false;
        unsubscribe();
        const left = (counts.get(topic) ?? 1) - 1;
        if (left === 0) counts.delete(topic);
        else counts.set(topic, left);
        options?.signal?.removeEventListener('abort', end);
      };
      options?.signal?.addEventListener('abort', end, { once: true });
      return end;
    },
    close: stop,
  };
}

function parseBody(body: unknown): { readonly topic: string; readonly mediaType: string } {
  if (typeof body === 'object' && body !== null && 'topic' in body && 'mediaType' in body) {
    const { topic, mediaType } = body;
    if (typeof topic === 'string' && topic.length <= TOPIC_CHARS && typeof mediaType === 'string')
      return { topic, mediaType };
  }
  throw new MeshError('bad-frame', 'A message needs a topic and a media type.');
}
