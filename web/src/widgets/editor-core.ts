// CodeMirror, put together for short TypeScript functions. Loaded only by the editor widget.

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript, javascriptLanguage } from '@codemirror/lang-javascript';
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { Annotation, EditorState, type Text } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import type { Finding } from './code-editor.tsx';

export interface EditorOptions {
  readonly value: string;
  readonly label: string;
  readonly columns: () => readonly string[];
  readonly onInput: (value: string) => void;
  readonly onRun: () => void;
}

export interface EditorHandle {
  setValue(value: string): void;
  setFindings(findings: readonly Finding[]): void;
  close(): void;
}

/** A change that nobody typed: told to nobody. */
const fromOutside = Annotation.define<boolean>();

export function createEditor(parent: HTMLElement, options: EditorOptions): EditorHandle {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
  const view = new EditorView({
    parent,
    state: EditorState.create({ doc: options.value, extensions: extensionsOf(options, nonce) }),
  });
  return {
    setValue: (value) => {
      if (value === view.state.doc.toString()) return;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: value },
        selection: { anchor: 0 },
        annotations: fromOutside.of(true),
      });
    },
    setFindings: (findings) =>
      view.dispatch(
        setDiagnostics(
          view.state,
          findings.map((finding) => diagnosticOf(view.state.doc, finding)),
        ),
      ),
    close: () => view.destroy(),
  };
}

function extensionsOf(options: EditorOptions, nonce: string) {
  return [
    EditorView.cspNonce.of(nonce),
    lineNumbers(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    javascript({ typescript: true }),
    javascriptLanguage.data.of({
      autocomplete: (context: CompletionContext) => completeColumn(context, options.columns()),
    }),
    autocompletion(),
    syntaxHighlighting(classHighlighter),
    lintGutter(),
    EditorState.tabSize.of(2),
    EditorView.contentAttributes.of({ 'aria-label': options.label }),
    keymap.of([
      { key: 'Mod-Enter', preventDefault: true, run: () => (options.onRun(), true) },
      ...closeBracketsKeymap,
      ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter'),
      ...historyKeymap,
      ...completionKeymap,
    ]),
    EditorView.updateListener.of((update) => {
      const isTyped =
        update.docChanged && !update.transactions.some((change) => change.annotation(fromOutside) === true);
      if (isTyped) options.onInput(update.state.doc.toString());
    }),
  ];
}

/** From the place to the end of its word, or the whole line without a column. */
function diagnosticOf(doc: Text, finding: Finding): Diagnostic {
  const { message, severity } = finding;
  const line = doc.line(Math.min(Math.max(finding.line ?? 1, 1), doc.lines));
  if (finding.column === undefined) return { from: line.from, to: line.to, message, severity };
  const from = Math.min(line.from + Math.max(finding.column - 1, 0), line.to);
  const word = /^[\w$]+|^./.exec(doc.sliceString(from, line.to))?.[0].length ?? 0;
  return { from, to: from + word, message, severity };
}

function completeColumn(context: CompletionContext, columns: readonly string[]): CompletionResult | null {
  const before = context.matchBefore(/\brow(?:\.|\[['"])[\w$ ]*/);
  if (before === null) return null;
  const isBracket = before.text.startsWith('row[');
  const from = before.from + (isBracket ? 'row["'.length : 'row.'.length);
  const options = columns
    .filter((name) => isBracket || /^[A-Za-z_$][\w$]*$/.test(name))
    .map((name) => ({ label: name, type: 'property', detail: 'column' }));
  return { from, options, validFor: /^[\w$ ]*$/ };
}
