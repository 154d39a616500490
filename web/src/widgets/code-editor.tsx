// The editor for functions. CodeMirror comes after the first paint; until then the same text stands in
// a plain text area of the same size, which can be typed in.

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { EditorHandle } from './editor-core.ts';

export interface Finding {
  readonly message: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  readonly severity: 'error' | 'warning';
}

export interface CodeEditorProps {
  readonly value: string;
  readonly label: string;
  readonly findings: readonly Finding[];
  /** Offered behind `row.` */
  readonly columns: readonly string[];
  readonly onInput: (value: string) => void;
  readonly onRun: () => void;
}

export function CodeEditor(props: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorHandle | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const [isReady, setReady] = useState(false);

  useEffect(() => {
    let isGone = false;
    const parent = host.current;
    void import('./editor-core.ts').then(({ createEditor }) => {
      if (isGone || parent === null) return;
      editor.current = createEditor(parent, {
        value: latest.current.value,
        label: latest.current.label,
        columns: () => latest.current.columns,
        onInput: (value) => latest.current.onInput(value),
        onRun: () => latest.current.onRun(),
      });
      setReady(true);
    });
    return () => {
      isGone = true;
      editor.current?.close();
      editor.current = undefined;
    };
  }, []);

  // With the drawing, not after it: a later effect would bring back what was typed before the last key.
  useLayoutEffect(() => editor.current?.setValue(props.value), [props.value, isReady]);
  useLayoutEffect(() => editor.current?.setFindings(props.findings), [props.findings, isReady]);

  return (
    <div class="editor" data-ready={isReady}>
      <div ref={host} class="editor-host" />
      {isReady ? null : (
        <textarea
          class="mono"
          aria-label={props.label}
          spellcheck={false}
          value={props.value}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </div>
  );
}
