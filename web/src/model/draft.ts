// What was typed: the function of each kind, the parameters, the chosen dataset. Kept in the browser,
// so that a reload loses nothing.

import { EXAMPLE_KINDS, exampleFor, type ExampleKind, type ExampleTable } from '../samples/examples.ts';
import type { JsonValue } from '@shoal/peer';
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Memory } from './ports.ts';

export type Params =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'wrong'; readonly message: string };

export interface Draft {
  readonly kind: Signal<ExampleKind>;
  readonly source: ReadonlySignal<string>;
  /** False while the text is the example as it was given. */
  readonly isOwn: ReadonlySignal<boolean>;
  readonly paramsText: Signal<string>;
  readonly params: ReadonlySignal<Params>;
  readonly skipErrors: Signal<boolean>;
  /** The dataset's name; empty for the sample that stands ready. */
  readonly dataset: Signal<string>;
  write(source: string): void;
  /** Back to the example that fits the dataset. */
  reset(): void;
}

export function createDraft(memory: Memory, table: (dataset: string) => ExampleTable | undefined): Draft {
  const kind = signal<ExampleKind>(EXAMPLE_KINDS.find((known) => known === memory.get('draft.kind')) ?? 'aggregate');
  const paramsText = signal(memory.get('draft.params') ?? '');
  const skipErrors = signal(memory.get('draft.skipErrors') === 'true');
  const dataset = signal(memory.get('draft.dataset') ?? '');
  const own = {
    map: ownText(memory, 'map'),
    filter: ownText(memory, 'filter'),
    aggregate: ownText(memory, 'aggregate'),
  };

  const example = computed(() => exampleFor(kind.value, table(dataset.value)));
  const source = computed(() => own[kind.value].value ?? example.value);

  effect(() => memory.set('draft.kind', kind.value));
  effect(() => memory.set('draft.params', paramsText.value));
  effect(() => memory.set('draft.skipErrors', String(skipErrors.value)));
  effect(() => memory.set('draft.dataset', dataset.value));
  for (const each of EXAMPLE_KINDS) effect(() => memory.set(`draft.source.${each}`, own[each].value ?? ''));

  return {
    kind,
    source,
    isOwn: computed(() => own[kind.value].value !== undefined),
    paramsText,
    params: computed(() => parseParams(paramsText.value)),
    skipErrors,
    dataset,
    write: (text) => {
      own[kind.peek()].value = text === example.peek() ? undefined : text;
    },
    reset: () => {
      own[kind.peek()].value = undefined;
    },
  };
}

function ownText(memory: Memory, kind: ExampleKind): Signal<string | undefined> {
  const stored = memory.get(`draft.source.${kind}`);
  return signal(stored === undefined || stored === '' ? undefined : stored);
}

function parseParams(text: string): Params {
  if (text.trim() === '') return { kind: 'none' };
  try {
    return { kind: 'json', value: JSON.parse(text) as JsonValue };
  } catch (error) {
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) };
  }
}
